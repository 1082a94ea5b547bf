-- What lists of clients are asked by: the clients of one owner, in the order of their ids.

CREATE INDEX clients_owner ON clients (owner_type, owner_id, id);
