-- What users allowed clients: what they are remembered to have consented to, and each run through the
-- authorization endpoint with its code and its refresh tokens.

ALTER TABLE clients ADD COLUMN pkce text COLLATE "C" NOT NULL DEFAULT 'required';
ALTER TABLE clients ADD COLUMN refresh_retry bigint;  -- seconds; NULL: a used refresh token is never good again

CREATE TABLE consents (
    user_id     text COLLATE "C" NOT NULL REFERENCES users (id),
    client_id   text COLLATE "C" NOT NULL REFERENCES clients (id),
    permissions text COLLATE "C" NOT NULL,  -- names, separated by blanks
    given_at    bigint NOT NULL,
    used_at     bigint,        -- when the client last got a token on their behalf
    PRIMARY KEY (user_id, client_id)
);

CREATE TABLE approvals (
    id             text COLLATE "C" PRIMARY KEY,  -- claim grant
    user_id        text COLLATE "C" NOT NULL REFERENCES users (id),
    client_id      text COLLATE "C" NOT NULL REFERENCES clients (id),
    api            text COLLATE "C" NOT NULL,
    scope          text COLLATE "C" NOT NULL,     -- permissions, separated by blanks
    given_at       bigint NOT NULL,
    code           bytea NOT NULL UNIQUE CHECK (octet_length(code) = 32),  -- HMAC-SHA-256 of the code
    redirect_uri   text COLLATE "C",              -- as the request named it
    challenge      bytea CHECK (octet_length(challenge) = 32),             -- PKCE, S256
    code_ends_at   bigint NOT NULL,
    spent          boolean NOT NULL DEFAULT false,
    family         bytea UNIQUE CHECK (octet_length(family) = 32),  -- HMAC-SHA-256 of what its refresh tokens share
    refresh_number bigint,           -- of the refresh token that works
    rotated_at     bigint,
    ends_at        bigint NOT NULL
);

CREATE INDEX approvals_user ON approvals (user_id, client_id, id);
CREATE INDEX approvals_client ON approvals (client_id);
CREATE INDEX approvals_end ON approvals (ends_at);
