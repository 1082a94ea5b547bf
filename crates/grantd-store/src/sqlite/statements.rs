//! Every SQL statement of the store; one test prepares them all against the migrated schema.

macro_rules! statements {
    ($($name:ident = $sql:literal;)+) => {
        $(pub(super) const $name: &str = $sql;)+

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$((stringify!($name), $name),)+];
    };
}

statements! {
    DATA_VERSION = "PRAGMA data_version";

    CLIENT = "SELECT id, name, description, kind, state, grants, redirect_uris, owner_type, owner_id, default_scope,
                     access_token_ttl, signing_alg, generation, created_at, updated_at
              FROM clients WHERE id = ?1";
    CLIENTS_AFTER = "SELECT id FROM clients WHERE id > ?1 AND state <> 'deleted' ORDER BY id LIMIT ?2";
    INSERT_CLIENT = "INSERT INTO clients (id, name, description, kind, state, grants, redirect_uris, owner_type,
                                          owner_id, default_scope, access_token_ttl, signing_alg, generation,
                                          created_at, updated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
                     ON CONFLICT (id) DO NOTHING";
    SET_CLIENT_STATE = "UPDATE clients SET state = ?2, generation = generation + 1, updated_at = ?3 WHERE id = ?1";

    CREDENTIALS = "SELECT id, hash, created_at, expires_at FROM credentials WHERE client_id = ?1
                   ORDER BY created_at, id";
    INSERT_CREDENTIAL = "INSERT INTO credentials (id, client_id, hash, created_at, expires_at)
                         VALUES (?1, ?2, ?3, ?4, ?5)";

    CLIENT_PERMISSIONS = "SELECT permission FROM client_permissions WHERE client_id = ?1 ORDER BY permission";
    INSERT_CLIENT_PERMISSION = "INSERT INTO client_permissions (client_id, permission) VALUES (?1, ?2)";
    CLIENT_ROLES = "SELECT role FROM client_roles WHERE client_id = ?1 ORDER BY role";
    INSERT_CLIENT_ROLE = "INSERT INTO client_roles (client_id, role) VALUES (?1, ?2)";

    CLIENT_APIS = "SELECT apis.name, apis.audience, apis.signing_alg, apis.access_token_ttl, permissions.name
                   FROM apis LEFT JOIN permissions ON permissions.api = apis.name AND permissions.name IN (
                       SELECT permission FROM client_permissions WHERE client_id = ?1
                       UNION
                       SELECT permission FROM role_permissions NATURAL JOIN client_roles WHERE client_id = ?1)
                   WHERE permissions.name IS NOT NULL OR apis.name = 'default'
                   ORDER BY apis.name <> 'default', apis.name, permissions.name";

    PERMISSION_EXISTS = "SELECT EXISTS (SELECT 1 FROM permissions WHERE name = ?1)";
    PERMISSIONS = "SELECT name, api, description FROM permissions ORDER BY name";
    INSERT_PERMISSION = "INSERT INTO permissions (name, api, description, created_at) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (name) DO NOTHING";

    ROLE_EXISTS = "SELECT EXISTS (SELECT 1 FROM roles WHERE name = ?1)";
    ROLES = "SELECT name, description FROM roles ORDER BY name";
    INSERT_ROLE = "INSERT INTO roles (name, description, created_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (name) DO NOTHING";
    ROLE_PERMISSIONS = "SELECT permission FROM role_permissions WHERE role = ?1 ORDER BY permission";
    INSERT_ROLE_PERMISSION = "INSERT INTO role_permissions (role, permission) VALUES (?1, ?2)";

    API_EXISTS = "SELECT EXISTS (SELECT 1 FROM apis WHERE name = ?1)";
    APIS = "SELECT name, audience, signing_alg, access_token_ttl FROM apis ORDER BY name";
    INSERT_API = "INSERT INTO apis (name, audience, signing_alg, access_token_ttl, created_at)
                  VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    #[test]
    fn every_statement_prepares_against_the_migrated_schema() {
        let mut connection = Connection::open_in_memory().unwrap();
        super::super::migrations::run(&mut connection).unwrap();
        for (name, sql) in super::ALL {
            if let Err(error) = connection.prepare(sql) {
                panic!("{name}: {error}");
            }
        }
    }
}
