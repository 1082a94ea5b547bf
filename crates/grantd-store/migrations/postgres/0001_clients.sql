-- Times are microseconds since 1970-01-01T00:00:00Z; durations are seconds. Texts are compared byte by byte,
-- whatever the collation of the database.

CREATE TABLE apis (
    name             text COLLATE "C" PRIMARY KEY,
    audience         text COLLATE "C" UNIQUE,          -- NULL: the issuer (the API `default`)
    signing_alg      text COLLATE "C",
    access_token_ttl bigint,
    created_at       bigint NOT NULL
);

CREATE TABLE permissions (
    name        text COLLATE "C" PRIMARY KEY,
    api         text COLLATE "C" NOT NULL REFERENCES apis (name),
    description text COLLATE "C" NOT NULL,
    created_at  bigint NOT NULL
);

CREATE TABLE roles (
    name        text COLLATE "C" PRIMARY KEY,
    description text COLLATE "C" NOT NULL,
    created_at  bigint NOT NULL
);

CREATE TABLE role_permissions (
    role       text COLLATE "C" NOT NULL REFERENCES roles (name),
    permission text COLLATE "C" NOT NULL REFERENCES permissions (name),
    PRIMARY KEY (role, permission)
);

CREATE TABLE clients (
    id               text COLLATE "C" PRIMARY KEY,
    name             text COLLATE "C" NOT NULL,
    description      text COLLATE "C" NOT NULL,
    kind             text COLLATE "C" NOT NULL CHECK (kind IN ('confidential', 'public')),
    state            text COLLATE "C" NOT NULL CHECK (state IN ('active', 'revoked', 'deleted')),
    grants           text COLLATE "C" NOT NULL,        -- separated by blanks
    redirect_uris    text COLLATE "C" NOT NULL,        -- separated by line feeds
    owner_type       text COLLATE "C",
    owner_id         text COLLATE "C",
    default_scope    text COLLATE "C",                 -- separated by blanks; NULL: all effective permissions
    access_token_ttl bigint,
    signing_alg      text COLLATE "C",
    generation       bigint NOT NULL,
    created_at       bigint NOT NULL,
    updated_at       bigint NOT NULL,
    CHECK ((owner_type IS NULL) = (owner_id IS NULL))
);

CREATE TABLE client_permissions (
    client_id  text COLLATE "C" NOT NULL REFERENCES clients (id),
    permission text COLLATE "C" NOT NULL REFERENCES permissions (name),
    PRIMARY KEY (client_id, permission)
);

CREATE TABLE client_roles (
    client_id text COLLATE "C" NOT NULL REFERENCES clients (id),
    role      text COLLATE "C" NOT NULL REFERENCES roles (name),
    PRIMARY KEY (client_id, role)
);

CREATE TABLE credentials (
    id         text COLLATE "C" PRIMARY KEY,
    client_id  text COLLATE "C" NOT NULL REFERENCES clients (id),
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32),  -- HMAC-SHA-256 of the secret
    created_at bigint NOT NULL,
    expires_at bigint
);

CREATE INDEX credentials_client ON credentials (client_id);

INSERT INTO apis (name, created_at) VALUES ('default', 0);
