-- Accounts of people, and their sessions in browsers.

CREATE TABLE users (
    id            text COLLATE "C" PRIMARY KEY,
    name          text COLLATE "C" NOT NULL,
    name_key      text COLLATE "C" NOT NULL UNIQUE,  -- the name in small letters
    state         text COLLATE "C" NOT NULL CHECK (state IN ('active', 'disabled')),
    password      text COLLATE "C",                  -- Argon2id, a PHC string; NULL: nobody enters by a password
    generation    bigint NOT NULL,
    version       bigint NOT NULL,
    created_at    bigint NOT NULL,
    updated_at    bigint NOT NULL,
    last_login_at bigint
);

CREATE TABLE user_permissions (
    user_id    text COLLATE "C" NOT NULL REFERENCES users (id),
    permission text COLLATE "C" NOT NULL REFERENCES permissions (name),
    PRIMARY KEY (user_id, permission)
);

CREATE TABLE user_roles (
    user_id text COLLATE "C" NOT NULL REFERENCES users (id),
    role    text COLLATE "C" NOT NULL REFERENCES roles (name),
    PRIMARY KEY (user_id, role)
);

CREATE TABLE sessions (
    id         text COLLATE "C" PRIMARY KEY,
    user_id    text COLLATE "C" NOT NULL REFERENCES users (id),
    hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),  -- HMAC-SHA-256 of the cookie's secret
    created_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    ends_at    bigint NOT NULL,
    address    text COLLATE "C" NOT NULL,
    agent      text COLLATE "C" NOT NULL
);

CREATE INDEX sessions_user ON sessions (user_id);
