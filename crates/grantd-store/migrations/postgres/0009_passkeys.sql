-- Passkeys of people, and the questions that passkeys have answered.

CREATE TABLE passkeys (
    id           text COLLATE "C" PRIMARY KEY,
    user_id      text COLLATE "C" NOT NULL REFERENCES users (id),
    name         text COLLATE "C" NOT NULL,
    credential   bytea NOT NULL UNIQUE,  -- by which id browsers know it
    key          text NOT NULL,          -- public key and counter, JSON of whoever checks signatures
    created_at   bigint NOT NULL,
    last_used_at bigint
);

CREATE INDEX passkeys_user ON passkeys (user_id);

-- No answer counts twice; a row may go once answers come too late anyway.
CREATE TABLE answered (
    question bytea PRIMARY KEY CHECK (octet_length(question) = 32),
    until    bigint NOT NULL
);
