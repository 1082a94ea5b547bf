-- What lists of clients are asked by: the clients of one owner, in the order of their ids; and all of
-- them, with what filters look at, so that a search reads a tenth of what whole clients would be.

CREATE INDEX clients_owner ON clients (owner_type, owner_id, id);
CREATE INDEX clients_shown ON clients (id, state, owner_type, name);
