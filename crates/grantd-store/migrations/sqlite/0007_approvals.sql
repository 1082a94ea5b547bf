-- What users allowed clients: what they are remembered to have consented to, and each run through the
-- authorization endpoint with its code and its refresh tokens.

ALTER TABLE clients ADD COLUMN pkce TEXT NOT NULL DEFAULT 'required';
ALTER TABLE clients ADD COLUMN refresh_retry INTEGER;  -- seconds; NULL: a used refresh token is never good again

CREATE TABLE consents (
    user_id     TEXT NOT NULL REFERENCES users (id),
    client_id   TEXT NOT NULL REFERENCES clients (id),
    permissions TEXT NOT NULL,  -- names, separated by blanks
    given_at    INTEGER NOT NULL,
    used_at     INTEGER,        -- when the client last got a token on their behalf
    PRIMARY KEY (user_id, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals (
    id             TEXT PRIMARY KEY,  -- claim grant
    user_id        TEXT NOT NULL REFERENCES users (id),
    client_id      TEXT NOT NULL REFERENCES clients (id),
    api            TEXT NOT NULL,
    scope          TEXT NOT NULL,     -- permissions, separated by blanks
    given_at       INTEGER NOT NULL,
    code           BLOB NOT NULL UNIQUE CHECK (length(code) = 32),  -- HMAC-SHA-256 of the code
    redirect_uri   TEXT,              -- as the request named it
    challenge      BLOB CHECK (length(challenge) = 32),             -- PKCE, S256
    code_ends_at   INTEGER NOT NULL,
    spent          INTEGER NOT NULL DEFAULT 0,
    family         BLOB UNIQUE CHECK (length(family) = 32),  -- HMAC-SHA-256 of what its refresh tokens share
    refresh_number INTEGER,           -- of the refresh token that works
    rotated_at     INTEGER,
    ends_at        INTEGER NOT NULL
) STRICT;

CREATE INDEX approvals_user ON approvals (user_id, client_id, id);
CREATE INDEX approvals_client ON approvals (client_id);
CREATE INDEX approvals_end ON approvals (ends_at);
