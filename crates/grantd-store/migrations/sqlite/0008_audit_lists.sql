-- What the audit log is asked by, beside the object: who did it, what was done, and both.

CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_deed ON audit (actor, action, seq);
CREATE INDEX audit_action ON audit (action, seq);
