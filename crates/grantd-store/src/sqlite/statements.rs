//! Every SQL statement of the store but those of `questions.rs`; one test prepares them all against the migrated schema.

macro_rules! statements {
    ($($name:ident = $sql:literal;)+) => {
        $(pub(super) const $name: &str = $sql;)+

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$((stringify!($name), $name),)+];
    };
}

statements! {
    CLIENT = "SELECT id, name, description, kind, state, grants, redirect_uris, owner_type, owner_id, default_scope,
                     access_token_ttl, signing_alg, generation, version, created_at, updated_at, token_format, serves,
                     pkce, refresh_retry
              FROM clients WHERE id = ?1";
    PUT_CLIENT = "INSERT INTO clients (id, name, description, kind, state, grants, redirect_uris, owner_type,
                                       owner_id, default_scope, access_token_ttl, signing_alg, generation,
                                       version, created_at, updated_at, token_format, serves, pkce, refresh_retry)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
                  ON CONFLICT (id) DO UPDATE SET
                      name = excluded.name, description = excluded.description, state = excluded.state,
                      grants = excluded.grants, redirect_uris = excluded.redirect_uris,
                      owner_type = excluded.owner_type, owner_id = excluded.owner_id,
                      default_scope = excluded.default_scope, access_token_ttl = excluded.access_token_ttl,
                      signing_alg = excluded.signing_alg, generation = excluded.generation,
                      version = excluded.version, updated_at = excluded.updated_at,
                      token_format = excluded.token_format, serves = excluded.serves,
                      pkce = excluded.pkce, refresh_retry = excluded.refresh_retry";
    RAISE_ROLE_HOLDERS = "UPDATE clients SET generation = generation + 1, version = version + 1, updated_at = ?2
                          WHERE id IN (SELECT client_id FROM client_roles WHERE role = ?1)
                          RETURNING id, generation";
    RAISE_PERMISSION_HOLDERS = "UPDATE clients SET generation = generation + 1, version = version + 1, updated_at = ?2
                                WHERE id IN (SELECT client_id FROM client_permissions WHERE permission = ?1
                                             UNION
                                             SELECT client_id FROM client_roles JOIN role_permissions USING (role)
                                             WHERE permission = ?1)
                                RETURNING id, generation";

    IS_CLIENT = "SELECT 1 FROM clients WHERE id = ?1";
    IS_USER = "SELECT 1 FROM users WHERE id = ?1";
    USER = "SELECT id, name, state, password, generation, version, created_at, updated_at, last_login_at
            FROM users WHERE id = ?1";
    USER_NAMED = "SELECT id, name, state, password, generation, version, created_at, updated_at, last_login_at
                  FROM users WHERE name_key = ?1";
    USERS_AFTER = "SELECT id, name, state, password, generation, version, created_at, updated_at, last_login_at
                   FROM users
                   WHERE id > ?1 AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR name LIKE ?4 ESCAPE '\\')
                   ORDER BY id LIMIT ?2";
    PUT_USER = "INSERT INTO users (id, name, name_key, state, password, generation, version, created_at, updated_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                ON CONFLICT (id) DO UPDATE SET
                    name = excluded.name, name_key = excluded.name_key, state = excluded.state,
                    password = excluded.password, generation = excluded.generation,
                    version = excluded.version, updated_at = excluded.updated_at";
    REHASH = "UPDATE users SET password = ?3 WHERE id = ?1 AND password = ?2";
    USER_PERMISSIONS = "SELECT permission FROM user_permissions WHERE user_id = ?1 ORDER BY permission";
    CLEAR_USER_PERMISSIONS = "DELETE FROM user_permissions WHERE user_id = ?1";
    INSERT_USER_PERMISSION = "INSERT INTO user_permissions (user_id, permission) VALUES (?1, ?2)";
    USER_ROLES = "SELECT role FROM user_roles WHERE user_id = ?1 ORDER BY role";
    CLEAR_USER_ROLES = "DELETE FROM user_roles WHERE user_id = ?1";
    INSERT_USER_ROLE = "INSERT INTO user_roles (user_id, role) VALUES (?1, ?2)";
    USER_RIGHTS = "SELECT permission FROM user_permissions WHERE user_id = ?1
                   UNION
                   SELECT permission FROM user_roles JOIN role_permissions USING (role) WHERE user_id = ?1
                   ORDER BY permission";
    RAISE_ROLE_USERS = "UPDATE users SET generation = generation + 1, version = version + 1, updated_at = ?2
                        WHERE id IN (SELECT user_id FROM user_roles WHERE role = ?1)
                        RETURNING id, generation";
    RAISE_PERMISSION_USERS = "UPDATE users SET generation = generation + 1, version = version + 1, updated_at = ?2
                              WHERE id IN (SELECT user_id FROM user_permissions WHERE permission = ?1
                                           UNION
                                           SELECT user_id FROM user_roles JOIN role_permissions USING (role)
                                           WHERE permission = ?1)
                              RETURNING id, generation";
    DELETE_PERMISSION_OF_USERS = "DELETE FROM user_permissions WHERE permission = ?1";
    DELETE_ROLE_USERS = "DELETE FROM user_roles WHERE role = ?1";

    SIGNED_IN = "UPDATE users SET last_login_at = ?2 WHERE id = ?1 AND state = 'active' AND version = ?3";
    INSERT_SESSION = "INSERT INTO sessions (id, user_id, hash, created_at, seen_at, ends_at, address, agent)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    END_OLDEST_SESSIONS = "DELETE FROM sessions WHERE user_id = ?1 AND id NOT IN
                               (SELECT id FROM sessions WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2)";
    SESSION = "SELECT id, user_id, created_at, seen_at, ends_at, address, agent FROM sessions
               WHERE hash = ?1 AND ends_at > ?2 AND seen_at > ?3";
    SESSIONS = "SELECT id, user_id, created_at, seen_at, ends_at, address, agent FROM sessions
                WHERE user_id = ?1 AND ends_at > ?2 AND seen_at > ?3 ORDER BY seen_at DESC, id DESC";
    SESSION_SEEN = "UPDATE sessions SET seen_at = max(seen_at, ?2) WHERE id = ?1";
    END_SESSION = "DELETE FROM sessions WHERE user_id = ?1 AND id = ?2";
    END_SESSIONS = "DELETE FROM sessions WHERE user_id = ?1 AND (?2 IS NULL OR id <> ?2) RETURNING id";
    FORGET_SESSIONS = "DELETE FROM sessions WHERE ends_at <= ?1 OR seen_at <= ?2";

    PASSKEYS = "SELECT id, user_id, name, credential, key, created_at, last_used_at FROM passkeys
                WHERE user_id = ?1 ORDER BY id";
    PASSKEY_NAMED = "SELECT id, user_id, name, credential, key, created_at, last_used_at FROM passkeys
                     WHERE credential = ?1";
    PASSKEY_EXISTS = "SELECT 1 FROM passkeys WHERE credential = ?1";
    COUNT_PASSKEYS = "SELECT count(*) FROM passkeys WHERE user_id = ?1";
    INSERT_PASSKEY = "INSERT INTO passkeys (id, user_id, name, credential, key, created_at)
                      SELECT ?1, id, ?3, ?4, ?5, ?6 FROM users WHERE id = ?2 AND state = 'active'";
    USE_PASSKEY = "UPDATE passkeys SET key = ?4, last_used_at = ?5
                   WHERE id = ?1 AND user_id = ?2 AND key = ?3
                       AND EXISTS (SELECT 1 FROM users WHERE id = ?2 AND state = 'active' AND version = ?6)";
    DELETE_PASSKEY = "DELETE FROM passkeys WHERE id = ?1";
    ANSWER = "INSERT INTO answered (question, until) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    FORGET_ANSWERED = "DELETE FROM answered WHERE until <= ?1";

    CLIENTS_BY_STATE = "SELECT state, count(*) FROM clients GROUP BY state ORDER BY state";
    SECRETS_ENDING = "SELECT clients.id, clients.name, credentials.id, credentials.created_at, expires_at,
                             last_used_at, last_used_from
                      FROM credentials CROSS JOIN clients ON clients.id = client_id AND +state = 'active'
                      WHERE expires_at > ?1 AND expires_at <= ?2
                      ORDER BY expires_at, credentials.id LIMIT ?3";
    SECRETS_IDLE = "SELECT clients.id, clients.name, credentials.id, credentials.created_at, expires_at,
                           last_used_at, last_used_from
                    FROM credentials CROSS JOIN clients ON clients.id = client_id AND +state = 'active'
                    WHERE coalesce(last_used_at, credentials.created_at) < ?2 AND expires_at IS NULL AND ?1 IS NOT NULL
                    ORDER BY coalesce(last_used_at, credentials.created_at), credentials.id LIMIT ?3";
    SECRETS_IDLE_ENDING = "SELECT clients.id, clients.name, credentials.id, credentials.created_at, expires_at,
                           last_used_at, last_used_from
                    FROM credentials CROSS JOIN clients ON clients.id = client_id AND +state = 'active'
                    WHERE coalesce(last_used_at, credentials.created_at) < ?2 AND expires_at > ?1
                    ORDER BY coalesce(last_used_at, credentials.created_at), credentials.id LIMIT ?3";
    OFTEN_REFUSED = "SELECT client_id, outcome FROM usage WHERE hour = ?1 AND outcome <> 'issued'
                     ORDER BY count DESC LIMIT ?2";
    REFUSED_SINCE = "SELECT name, sum(count) FROM usage JOIN clients ON clients.id = client_id
                     WHERE client_id = ?1 AND hour >= ?2 AND outcome = ?3 GROUP BY client_id";

    CREDENTIALS = "SELECT id, hash, created_at, expires_at, last_used_at, last_used_from
                   FROM credentials WHERE client_id = ?1 ORDER BY created_at, id";
    PUT_CREDENTIAL = "INSERT INTO credentials (id, client_id, hash, created_at, expires_at)
                      VALUES (?1, ?2, ?3, ?4, ?5)
                      ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at";
    RECORD_USE = "UPDATE credentials SET last_used_at = ?2, last_used_from = ?3
                  WHERE id = ?1 AND coalesce(last_used_at, 0) < ?2";

    CLIENT_PERMISSIONS = "SELECT permission FROM client_permissions WHERE client_id = ?1 ORDER BY permission";
    CLEAR_CLIENT_PERMISSIONS = "DELETE FROM client_permissions WHERE client_id = ?1";
    INSERT_CLIENT_PERMISSION = "INSERT INTO client_permissions (client_id, permission) VALUES (?1, ?2)";
    CLIENT_ROLES = "SELECT role FROM client_roles WHERE client_id = ?1 ORDER BY role";
    CLEAR_CLIENT_ROLES = "DELETE FROM client_roles WHERE client_id = ?1";
    INSERT_CLIENT_ROLE = "INSERT INTO client_roles (client_id, role) VALUES (?1, ?2)";

    CLIENT_APIS = "SELECT apis.name, apis.audience, apis.signing_alg, apis.access_token_ttl, apis.token_format,
                          permissions.name
                   FROM apis LEFT JOIN permissions ON permissions.api = apis.name AND permissions.name IN (
                       SELECT permission FROM client_permissions WHERE client_id = ?1
                       UNION
                       SELECT permission FROM role_permissions JOIN client_roles USING (role) WHERE client_id = ?1)
                   WHERE permissions.name IS NOT NULL OR apis.name = 'default'
                   ORDER BY apis.name <> 'default', apis.name, permissions.name";

    CLIENTS_WITH_PERMISSION = "SELECT client_id, count(*) OVER () FROM client_permissions WHERE permission = ?1
                               ORDER BY client_id LIMIT ?2";
    USERS_WITH_PERMISSION = "SELECT user_id, count(*) OVER () FROM user_permissions WHERE permission = ?1
                             ORDER BY user_id LIMIT ?2";
    ROLES_WITH_PERMISSION = "SELECT role, count(*) OVER () FROM role_permissions WHERE permission = ?1
                             ORDER BY role LIMIT ?2";
    CLIENTS_WITH_ROLE = "SELECT client_id, count(*) OVER () FROM client_roles WHERE role = ?1
                         ORDER BY client_id LIMIT ?2";
    USERS_WITH_ROLE = "SELECT user_id, count(*) OVER () FROM user_roles WHERE role = ?1 ORDER BY user_id LIMIT ?2";

    PERMISSIONS = "SELECT name, api, description FROM permissions ORDER BY name";
    UPDATE_PERMISSION = "UPDATE permissions SET description = ?2 WHERE name = ?1";
    DELETE_PERMISSION = "DELETE FROM permissions WHERE name = ?1";
    DELETE_PERMISSION_OF_CLIENTS = "DELETE FROM client_permissions WHERE permission = ?1";
    DELETE_PERMISSION_OF_ROLES = "DELETE FROM role_permissions WHERE permission = ?1";
    DEFAULT_SCOPES_WITH = "SELECT id, default_scope FROM clients
                           WHERE instr(' ' || default_scope || ' ', ' ' || ?1 || ' ') > 0";
    SET_DEFAULT_SCOPE = "UPDATE clients SET default_scope = ?2 WHERE id = ?1";
    INSERT_PERMISSION = "INSERT INTO permissions (name, api, description, created_at) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (name) DO NOTHING";

    ROLES = "SELECT name, description FROM roles ORDER BY name";
    INSERT_ROLE = "INSERT INTO roles (name, description, created_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (name) DO NOTHING";
    UPDATE_ROLE = "UPDATE roles SET description = ?2 WHERE name = ?1";
    DELETE_ROLE = "DELETE FROM roles WHERE name = ?1";
    DELETE_ROLE_HOLDERS = "DELETE FROM client_roles WHERE role = ?1";
    CLEAR_ROLE_PERMISSIONS = "DELETE FROM role_permissions WHERE role = ?1";
    ROLE_PERMISSIONS = "SELECT permission FROM role_permissions WHERE role = ?1 ORDER BY permission";
    INSERT_ROLE_PERMISSION = "INSERT INTO role_permissions (role, permission) VALUES (?1, ?2)";

    APIS = "SELECT name, audience, signing_alg, access_token_ttl, token_format FROM apis ORDER BY name";
    INSERT_API = "INSERT INTO apis (name, audience, signing_alg, access_token_ttl, token_format, created_at)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    UPDATE_API = "UPDATE apis SET signing_alg = ?2, access_token_ttl = ?3, token_format = ?4 WHERE name = ?1";

    COUNTER = "SELECT value FROM counters WHERE name = ?1";
    NEXT = "UPDATE counters SET value = value + 1 WHERE name = ?1 RETURNING value";
    RAISE_COUNTER = "UPDATE counters SET value = ?2 WHERE name = ?1 AND value < ?2";

    PUT_CHANGE = "INSERT INTO change_log (seq, kind, id, generation, until) VALUES (?1, ?2, ?3, ?4, ?5)
                  ON CONFLICT (kind, id) DO UPDATE SET
                      seq = excluded.seq,
                      generation = coalesce(excluded.generation, generation),
                      until = coalesce(max(excluded.until, until), excluded.until, until)";
    DEAD_BELOW = "SELECT coalesce(max(generation), 0) FROM change_log WHERE kind = 'client' AND id = ?1";
    FORGET_ENDED = "DELETE FROM change_log WHERE until <= ?1";
    CHANGES = "SELECT seq, kind, id, generation, until FROM change_log WHERE seq > ?1 ORDER BY seq LIMIT ?2";

    STANDING = "SELECT (SELECT state FROM clients WHERE id = ?1),
                       (SELECT generation FROM clients WHERE id = ?1),
                       EXISTS (SELECT 1 FROM change_log WHERE kind = 'credential' AND id = ?2),
                       EXISTS (SELECT 1 FROM change_log WHERE kind = 'token' AND id = ?3),
                       (SELECT state FROM users WHERE id = ?4),
                       (SELECT generation FROM users WHERE id = ?4),
                       EXISTS (SELECT 1 FROM change_log WHERE kind = 'grant' AND id = ?5),
                       EXISTS (SELECT 1 FROM change_log WHERE kind = 'key' AND id = ?6)";

    INSERT_APPROVAL = "INSERT INTO approvals (id, user_id, client_id, api, scope, given_at, code, redirect_uri,
                                              challenge, code_ends_at, ends_at)
                       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
                       WHERE EXISTS (SELECT 1 FROM users WHERE id = ?2 AND state = 'active' AND generation = ?12)
                           AND EXISTS (SELECT 1 FROM clients WHERE id = ?3 AND state = 'active' AND generation = ?13)";
    DISCARD_OLDEST_CODES = "DELETE FROM approvals WHERE id IN (
                                SELECT id FROM approvals WHERE user_id = ?1 AND client_id = ?2 AND spent = 0
                                ORDER BY id DESC LIMIT -1 OFFSET ?3)";
    DISCARD_CODE = "DELETE FROM approvals WHERE id = ?1 AND spent = 0";
    APPROVAL_OF_CODE = "SELECT id, user_id, client_id, api, scope, given_at, redirect_uri, challenge, code_ends_at,
                               spent, refresh_number, rotated_at, ends_at
                        FROM approvals WHERE code = ?1";
    APPROVAL_OF_FAMILY = "SELECT id, user_id, client_id, api, scope, given_at, redirect_uri, challenge, code_ends_at,
                                 spent, refresh_number, rotated_at, ends_at
                          FROM approvals WHERE family IN (?1, ?2)";
    SPEND_CODE = "UPDATE approvals SET spent = 1, family = ?2, refresh_number = ?3, rotated_at = ?4,
                                        ends_at = max(ends_at, ?5)
                  WHERE id = ?1 AND spent = 0
                  RETURNING user_id, client_id";
    REFRESH_STATE = "SELECT refresh_number, rotated_at FROM approvals WHERE id = ?1";
    ROTATE_REFRESH = "UPDATE approvals SET refresh_number = ?2, rotated_at = ?3, family = ?4 WHERE id = ?1";
    KEEP_APPROVAL = "UPDATE approvals SET ends_at = max(ends_at, ?2) WHERE id = ?1";
    END_APPROVAL = "DELETE FROM approvals WHERE id = ?1 RETURNING id, spent, user_id, client_id";
    END_APPROVALS_BETWEEN = "DELETE FROM approvals WHERE user_id = ?1 AND client_id = ?2
                             RETURNING id, spent, user_id, client_id";
    END_APPROVALS_OF_USER = "DELETE FROM approvals WHERE user_id = ?1 RETURNING id, spent, user_id, client_id";
    END_APPROVALS_OF_CLIENT = "DELETE FROM approvals WHERE client_id = ?1 RETURNING id, spent, user_id, client_id";
    END_APPROVALS_FOR_ONE_PERMISSION = "DELETE FROM approvals WHERE scope = ?1
                                        RETURNING id, spent, user_id, client_id";
    END_OLDEST_APPROVALS = "DELETE FROM approvals WHERE id IN (
                                SELECT id FROM approvals WHERE user_id = ?1 AND client_id = ?2 AND spent = 1
                                ORDER BY id DESC LIMIT -1 OFFSET ?3)
                            RETURNING id, spent, user_id, client_id";
    TAKE_FROM_APPROVALS = "UPDATE approvals SET scope = trim(replace(' ' || scope || ' ', ' ' || ?1 || ' ', ' '))
                           WHERE instr(' ' || scope || ' ', ' ' || ?1 || ' ') > 0";
    TAKE_FROM_CONSENTS = "UPDATE consents
                          SET permissions = trim(replace(' ' || permissions || ' ', ' ' || ?1 || ' ', ' '))
                          WHERE instr(' ' || permissions || ' ', ' ' || ?1 || ' ') > 0";
    FORGET_APPROVALS = "DELETE FROM approvals WHERE ends_at <= ?1";
    CONSENT = "SELECT user_id, client_id, permissions, given_at, used_at FROM consents
               WHERE user_id = ?1 AND client_id = ?2";
    CONSENTS = "SELECT user_id, client_id, permissions, given_at, used_at FROM consents
                WHERE user_id = ?1 ORDER BY used_at DESC, client_id LIMIT ?2";
    PUT_CONSENT = "INSERT INTO consents (user_id, client_id, permissions, given_at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (user_id, client_id) DO UPDATE SET permissions = excluded.permissions";
    DELETE_CONSENT = "DELETE FROM consents WHERE user_id = ?1 AND client_id = ?2";
    CONSENT_USED = "UPDATE consents SET used_at = ?2
                    WHERE (user_id, client_id) = (SELECT user_id, client_id FROM approvals WHERE id = ?1)";

    ADD_USAGE = "INSERT INTO usage (client_id, hour, outcome, count, last_at, last_from) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (client_id, hour, outcome) DO UPDATE SET
                     count = count + excluded.count,
                     last_at = max(last_at, excluded.last_at),
                     last_from = iif(excluded.last_at >= last_at, excluded.last_from, last_from)";
    ADD_USAGE_TOTAL = "INSERT INTO usage_totals (hour, outcome, count) VALUES (?1, ?2, ?3)
                       ON CONFLICT (hour, outcome) DO UPDATE SET count = count + excluded.count";
    USAGE = "SELECT client_id, hour, outcome, count, last_at, last_from FROM usage
             WHERE hour >= ?1 AND hour < ?2 AND (hour, client_id, outcome) > (?4, ?5, ?6)
             ORDER BY hour, client_id, outcome LIMIT ?3";
    USAGE_OF_CLIENT = "SELECT client_id, hour, outcome, count, last_at, last_from FROM usage
                       WHERE client_id = ?1 AND hour >= ?2 AND hour < ?3
                           AND (hour, client_id, outcome) > (?5, ?6, ?7)
                       ORDER BY hour, outcome LIMIT ?4";
    USAGE_TOTALS = "SELECT hour, outcome, count FROM usage_totals
                    WHERE hour >= ?1 AND hour < ?2 ORDER BY hour, outcome";
    FORGET_USAGE = "DELETE FROM usage WHERE hour < ?1";
    FORGET_USAGE_TOTALS = "DELETE FROM usage_totals WHERE hour < ?1";

    ROUTINE_DEEDS = "SELECT count(*) FROM (SELECT at FROM audit WHERE actor = ?1 AND action = ?2
                                           ORDER BY seq DESC LIMIT ?4)
                     WHERE at > ?3";
    LAST_HASH = "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1";
    INSERT_AUDIT = "INSERT INTO audit (seq, at, actor, address, action, object, before, after, hash)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    #[test]
    fn what_is_done_often_is_counted_by_an_index_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        super::super::migrations::run(&mut connection).unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {}", super::ROUTINE_DEEDS);
        let mut plan = connection.prepare(&sql).unwrap();
        let steps = plan.query_map([1; 4], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        let search = "SEARCH audit USING INDEX audit_actor_action (actor=? AND action=?)";
        assert!(steps.iter().any(|step| step == search), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("SORT") || step.contains("B-TREE")));
    }

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
