-- How many token requests of each client ended how, hour by hour: a row for each, never one for each
-- request. No row refers to a client: a batch must not fail because of one of its rows.

CREATE TABLE usage (
    client_id text COLLATE "C" NOT NULL,
    hour      bigint NOT NULL,  -- when the hour begins
    outcome   text COLLATE "C" NOT NULL,     -- issued, or the name of the refusal
    count     bigint NOT NULL,
    last_at   bigint NOT NULL,
    last_from text COLLATE "C" NOT NULL,
    PRIMARY KEY (client_id, hour, outcome)
);

CREATE INDEX usage_hour ON usage (hour, client_id, outcome);

-- The sums over all clients, so that drawing them costs the same however many clients there are.
CREATE TABLE usage_totals (
    hour    bigint NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    count   bigint NOT NULL,
    PRIMARY KEY (hour, outcome)
);
