-- Times are microseconds since 1970-01-01T00:00:00Z; durations are seconds.

CREATE TABLE apis (
    name             TEXT PRIMARY KEY,
    audience         TEXT UNIQUE,          -- NULL: the issuer (the API `default`)
    signing_alg      TEXT,
    access_token_ttl INTEGER,
    created_at       INTEGER NOT NULL
) STRICT;

CREATE TABLE permissions (
    name        TEXT PRIMARY KEY,
    api         TEXT NOT NULL REFERENCES apis (name),
    description TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE roles (
    name        TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE role_permissions (
    role       TEXT NOT NULL REFERENCES roles (name),
    permission TEXT NOT NULL REFERENCES permissions (name),
    PRIMARY KEY (role, permission)
) STRICT, WITHOUT ROWID;

CREATE TABLE clients (
    id               TEXT PRIMARY KEY,
    name             TEXT NOT NULL,
    description      TEXT NOT NULL,
    kind             TEXT NOT NULL CHECK (kind IN ('confidential', 'public')),
    state            TEXT NOT NULL CHECK (state IN ('active', 'revoked', 'deleted')),
    grants           TEXT NOT NULL,        -- separated by blanks
    redirect_uris    TEXT NOT NULL,        -- separated by line feeds
    owner_type       TEXT,
    owner_id         TEXT,
    default_scope    TEXT,                 -- separated by blanks; NULL: all effective permissions
    access_token_ttl INTEGER,
    signing_alg      TEXT,
    generation       INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    CHECK ((owner_type IS NULL) = (owner_id IS NULL))
) STRICT;

CREATE TABLE client_permissions (
    client_id  TEXT NOT NULL REFERENCES clients (id),
    permission TEXT NOT NULL REFERENCES permissions (name),
    PRIMARY KEY (client_id, permission)
) STRICT, WITHOUT ROWID;

CREATE TABLE client_roles (
    client_id TEXT NOT NULL REFERENCES clients (id),
    role      TEXT NOT NULL REFERENCES roles (name),
    PRIMARY KEY (client_id, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
    id         TEXT PRIMARY KEY,
    client_id  TEXT NOT NULL REFERENCES clients (id),
    hash       BLOB NOT NULL CHECK (length(hash) = 32),  -- HMAC-SHA-256 of the secret
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

CREATE INDEX credentials_client ON credentials (client_id);

INSERT INTO apis (name, created_at) VALUES ('default', 0);
