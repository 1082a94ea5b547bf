-- What happens to a client after its creation: versions for lost-update checks, when and from where
-- each secret was last used, the change log that caches and the revocation feed follow, and the
-- audit log whose rows form a hash chain.

ALTER TABLE clients ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE clients ADD COLUMN token_format TEXT;
ALTER TABLE clients ADD COLUMN serves TEXT NOT NULL DEFAULT '';  -- names of APIs, separated by line feeds

ALTER TABLE apis ADD COLUMN token_format TEXT;

ALTER TABLE credentials ADD COLUMN last_used_at INTEGER;
ALTER TABLE credentials ADD COLUMN last_used_from TEXT;

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

INSERT INTO counters (name, value) VALUES
    ('change_seq', 0),       -- the last change; without gaps
    ('audit_seq', 0),        -- how many audit events were ever written
    ('longest_ttl', 3600),   -- the longest a token can have lived so far, in seconds
    ('epoch', abs(random() % 1000000000));  -- tells this database's cursors from another's

CREATE TABLE change_log (
    seq        INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,    -- client, credential, token, catalog
    id         TEXT NOT NULL,
    generation INTEGER,          -- of a client: tokens below it are dead
    until      INTEGER,          -- when it may be forgotten; NULL: it kills nothing
    UNIQUE (kind, id)
) STRICT;

CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    address TEXT,
    action  TEXT NOT NULL,
    object  TEXT NOT NULL,       -- kind and id, e.g. client:0190…
    before  TEXT,                -- JSON
    after   TEXT,                -- JSON
    hash    BLOB NOT NULL CHECK (length(hash) = 32)  -- SHA-256 over the hash before and this row
) STRICT;

CREATE INDEX audit_object ON audit (object, seq);
