-- Passkeys of people, and the questions that passkeys have answered.

CREATE TABLE passkeys (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id),
    name         TEXT NOT NULL,
    credential   BLOB NOT NULL UNIQUE,  -- by which id browsers know it
    key          TEXT NOT NULL,         -- public key and counter, JSON of whoever checks signatures
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

CREATE INDEX passkeys_user ON passkeys (user_id);

-- No answer counts twice; a row may go once answers come too late anyway.
CREATE TABLE answered (
    question BLOB PRIMARY KEY CHECK (length(question) = 32),
    until    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
