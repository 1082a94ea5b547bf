-- What the audit log is asked by, beside the object: who did it, what was done, and both; newest first
-- or oldest first, however long the log is.

CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_action ON audit (action, seq);
CREATE INDEX audit_actor_action ON audit (actor, action, seq);

-- Secrets that have ended stay, and more of them every year: those that nobody uses are looked for without them.
DROP INDEX credentials_use;
CREATE INDEX credentials_use ON credentials (coalesce(last_used_at, created_at), id) WHERE expires_at IS NULL;

-- Who is refused most in an hour is read from its end; no sum over everybody.
DROP INDEX usage_refused;
CREATE INDEX usage_refused ON usage (hour, count, client_id, outcome) WHERE outcome <> 'issued';
