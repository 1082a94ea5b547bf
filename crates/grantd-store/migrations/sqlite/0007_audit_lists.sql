-- What the audit log is asked by, beside the object: who did it, and what was done.

CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_action ON audit (action, seq);
