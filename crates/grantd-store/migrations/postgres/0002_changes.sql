-- What happens to a client after its creation: versions for lost-update checks, when and from where
-- each secret was last used, the change log that caches and the revocation feed follow, and the
-- audit log whose rows form a hash chain.

ALTER TABLE clients ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE clients ADD COLUMN token_format text COLLATE "C";
ALTER TABLE clients ADD COLUMN serves text COLLATE "C" NOT NULL DEFAULT '';  -- names of APIs, separated by line feeds

ALTER TABLE apis ADD COLUMN token_format text COLLATE "C";

ALTER TABLE credentials ADD COLUMN last_used_at bigint;
ALTER TABLE credentials ADD COLUMN last_used_from text COLLATE "C";

CREATE TABLE counters (
    name  text COLLATE "C" PRIMARY KEY,
    value bigint NOT NULL
);

INSERT INTO counters (name, value) VALUES
    ('change_seq', 0),       -- the last change; without gaps
    ('audit_seq', 0),        -- how many audit events were ever written
    ('longest_ttl', 3600),   -- the longest a token can have lived so far, in seconds
    ('epoch', floor(random() * 1000000000)::bigint);  -- tells this database's cursors from another's

CREATE TABLE change_log (
    seq        bigint PRIMARY KEY,
    kind       text COLLATE "C" NOT NULL,    -- client, credential, token, catalog
    id         text COLLATE "C" NOT NULL,
    generation bigint,          -- of a client: tokens below it are dead
    until      bigint,          -- when it may be forgotten; NULL: it kills nothing
    UNIQUE (kind, id)
);

CREATE TABLE audit (
    seq     bigint PRIMARY KEY,
    at      bigint NOT NULL,
    actor   text COLLATE "C" NOT NULL,
    address text COLLATE "C",
    action  text COLLATE "C" NOT NULL,
    object  text COLLATE "C" NOT NULL,       -- kind and id, e.g. client:0190…
    before  text COLLATE "C",                -- JSON
    after   text COLLATE "C",                -- JSON
    hash    bytea NOT NULL CHECK (octet_length(hash) = 32)  -- SHA-256 over the hash before and this row
);

CREATE INDEX audit_object ON audit (object, seq);
