-- What the start page asks: how many clients there are, which secrets end soon, which nobody has used
-- for long, and who is refused.

CREATE INDEX clients_state ON clients (state);
CREATE INDEX credentials_end ON credentials (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX credentials_use ON credentials (coalesce(last_used_at, created_at));
CREATE INDEX usage_refused ON usage (hour, client_id, outcome, count) WHERE outcome <> 'issued';
