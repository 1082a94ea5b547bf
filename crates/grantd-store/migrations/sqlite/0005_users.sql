-- Accounts of people, and their sessions in browsers.

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    name_key      TEXT NOT NULL UNIQUE,  -- the name in small letters
    state         TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    password      TEXT,                  -- Argon2id, a PHC string; NULL: nobody enters by a password
    generation    INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    last_login_at INTEGER
) STRICT;

CREATE TABLE user_permissions (
    user_id    TEXT NOT NULL REFERENCES users (id),
    permission TEXT NOT NULL REFERENCES permissions (name),
    PRIMARY KEY (user_id, permission)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_roles (
    user_id TEXT NOT NULL REFERENCES users (id),
    role    TEXT NOT NULL REFERENCES roles (name),
    PRIMARY KEY (user_id, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id),
    hash       BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),  -- HMAC-SHA-256 of the cookie's secret
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    address    TEXT NOT NULL,
    agent      TEXT NOT NULL
) STRICT;

CREATE INDEX sessions_user ON sessions (user_id);
