-- How many token requests of each client ended how, hour by hour: a row for each, never one for each
-- request. No row refers to a client: a batch must not fail because of one of its rows.

CREATE TABLE usage (
    client_id TEXT NOT NULL,
    hour      INTEGER NOT NULL,  -- when the hour begins
    outcome   TEXT NOT NULL,     -- issued, or the name of the refusal
    count     INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    last_from TEXT NOT NULL,
    PRIMARY KEY (client_id, hour, outcome)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_hour ON usage (hour, client_id, outcome);

-- The sums over all clients, so that drawing them costs the same however many clients there are.
CREATE TABLE usage_totals (
    hour    INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (hour, outcome)
) STRICT, WITHOUT ROWID;
