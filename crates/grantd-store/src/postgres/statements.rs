//! Every SQL statement of the store; one test prepares them all against the migrated schema.
//!
//! Nothing here lasts longer than its transaction: behind a pooler in transaction mode the next one may
//! run on another connection.

macro_rules! statements {
    ($($name:ident = $sql:literal;)+) => {
        $(pub(super) const $name: &str = $sql;)+

        /// All of them, for the test that prepares them.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name),)+];
    };
}

/// The lock of who writes alone: "grantd" in bytes, and 1.
pub(super) const BEGIN_ALONE: &str = "BEGIN;
    SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '8s';
    SET LOCAL idle_in_transaction_session_timeout = '15s';
    SELECT pg_advisory_xact_lock(7454127460278599681)";
pub(super) const BEGIN: &str = "BEGIN;
    SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '8s';
    SET LOCAL idle_in_transaction_session_timeout = '15s'";
/// Another lock: "grantd" in bytes, and 2.
pub(super) const BEGIN_MIGRATION: &str = "BEGIN;
    SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = '60s';
    SELECT pg_advisory_xact_lock(7454127460278599682)";
/// Both locks at once: who moves a database lets nobody migrate or write meanwhile.
pub(super) const BEGIN_MOVING: &str = "BEGIN;
    SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = '10min';
    SELECT pg_advisory_xact_lock(7454127460278599681), pg_advisory_xact_lock(7454127460278599682)";
pub(super) const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";
/// Wakes the nodes that listen, once the change is committed.
pub(super) const CHANNEL: &str = "grantd_changes";

pub(super) const CREATE_MIGRATIONS: &str = "CREATE TABLE IF NOT EXISTS _migrations (
    number     bigint PRIMARY KEY,
    name       text NOT NULL,
    checksum   bytea NOT NULL,
    applied_at bigint NOT NULL DEFAULT (extract(epoch FROM now()) * 1000000)::bigint
)";

statements! {
    HAS_MIGRATIONS = "SELECT to_regclass('_migrations') IS NOT NULL";
    MIGRATIONS = "SELECT checksum FROM _migrations ORDER BY number";
    CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now";
    OTHER_NODES = "SELECT count(*) AS count FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = current_setting('application_name')
                       AND pid <> pg_backend_pid()";
    INSERT_MIGRATION = "INSERT INTO _migrations (number, name, checksum) VALUES ($1, $2, $3)";
    SERVER = "SELECT current_setting('server_version_num')::bigint AS version,
                     current_setting('server_encoding') AS encoding";

    REGISTRATIONS = "SELECT id, name, description, kind, state, grants, redirect_uris, owner_type, owner_id,
                            default_scope, access_token_ttl, signing_alg, generation, version, created_at,
                            updated_at, token_format, serves, pkce, refresh_retry,
                            ARRAY(SELECT permission FROM client_permissions WHERE client_id = clients.id
                                  ORDER BY permission) AS permissions,
                            ARRAY(SELECT role FROM client_roles WHERE client_id = clients.id ORDER BY role) AS roles,
                            secret.*
                     FROM clients CROSS JOIN LATERAL (
                         SELECT coalesce(array_agg(id ORDER BY created_at, id), '{}') AS secret_ids,
                                coalesce(array_agg(hash ORDER BY created_at, id), '{}') AS secret_hashes,
                                coalesce(array_agg(created_at ORDER BY created_at, id), '{}') AS secrets_made,
                                coalesce(array_agg(expires_at ORDER BY created_at, id), '{}') AS secrets_end,
                                coalesce(array_agg(last_used_at ORDER BY created_at, id), '{}') AS secrets_used,
                                coalesce(array_agg(last_used_from ORDER BY created_at, id), '{}') AS secrets_from
                         FROM credentials WHERE client_id = clients.id) AS secret
                     WHERE id = ANY ($1) ORDER BY id";
    CLIENT_IDS = "SELECT id FROM clients
                  WHERE id > $1 AND ($3::text IS NULL OR owner_type = $3) AND ($4::text IS NULL OR owner_id = $4)
                      AND CASE WHEN $5::text IS NULL THEN state <> 'deleted' ELSE state = $5 END
                      AND ($6::text IS NULL OR name ILIKE $6 OR starts_with(id, $7))
                  ORDER BY id LIMIT $2";
    CLIENT_APIS = "SELECT apis.name, apis.audience, apis.signing_alg, apis.access_token_ttl, apis.token_format,
                          permissions.name AS permission
                   FROM apis LEFT JOIN permissions ON permissions.api = apis.name AND permissions.name IN (
                       SELECT permission FROM client_permissions WHERE client_id = $1
                       UNION
                       SELECT permission FROM role_permissions JOIN client_roles USING (role) WHERE client_id = $1)
                   WHERE permissions.name IS NOT NULL OR apis.name = 'default'
                   ORDER BY apis.name <> 'default', apis.name, permissions.name";
    SERVED_APIS = "SELECT name, audience, signing_alg, access_token_ttl, token_format FROM apis
                   WHERE name = ANY (string_to_array((SELECT serves FROM clients WHERE id = $1), chr(10)))
                   ORDER BY name";
    PUT_CLIENT = "INSERT INTO clients (id, name, description, kind, state, grants, redirect_uris, owner_type,
                                       owner_id, default_scope, access_token_ttl, signing_alg, generation,
                                       version, created_at, updated_at, token_format, serves, pkce, refresh_retry)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
                  ON CONFLICT (id) DO UPDATE SET
                      name = excluded.name, description = excluded.description, state = excluded.state,
                      grants = excluded.grants, redirect_uris = excluded.redirect_uris,
                      owner_type = excluded.owner_type, owner_id = excluded.owner_id,
                      default_scope = excluded.default_scope, access_token_ttl = excluded.access_token_ttl,
                      signing_alg = excluded.signing_alg, generation = excluded.generation,
                      version = excluded.version, updated_at = excluded.updated_at,
                      token_format = excluded.token_format, serves = excluded.serves,
                      pkce = excluded.pkce, refresh_retry = excluded.refresh_retry";
    PUT_CREDENTIALS = "INSERT INTO credentials (id, client_id, hash, created_at, expires_at)
                       SELECT id, $1, hash, created_at, expires_at
                       FROM unnest($2::text[], $3::bytea[], $4::bigint[], $5::bigint[]) AS new (id, hash, created_at, expires_at)
                       ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at";
    CLEAR_CLIENT_PERMISSIONS = "DELETE FROM client_permissions WHERE client_id = $1";
    INSERT_CLIENT_PERMISSIONS = "INSERT INTO client_permissions (client_id, permission) SELECT $1, unnest($2::text[])";
    CLEAR_CLIENT_ROLES = "DELETE FROM client_roles WHERE client_id = $1";
    INSERT_CLIENT_ROLES = "INSERT INTO client_roles (client_id, role) SELECT $1, unnest($2::text[])";
    RECORD_USE = "UPDATE credentials SET last_used_at = used.at, last_used_from = used.address
                  FROM (SELECT DISTINCT ON (id) id, at, address
                        FROM unnest($1::text[], $2::bigint[], $3::text[]) AS known (id, at, address)
                        ORDER BY id, at DESC) AS used
                  WHERE credentials.id = used.id AND coalesce(last_used_at, 0) < used.at";
    RAISE_ROLE_HOLDERS = "UPDATE clients SET generation = generation + 1, version = version + 1, updated_at = $2
                          WHERE id IN (SELECT client_id FROM client_roles WHERE role = $1)
                          RETURNING id, generation";
    RAISE_PERMISSION_HOLDERS = "UPDATE clients SET generation = generation + 1, version = version + 1, updated_at = $2
                                WHERE id IN (SELECT client_id FROM client_permissions WHERE permission = $1
                                             UNION
                                             SELECT client_id FROM client_roles JOIN role_permissions USING (role)
                                             WHERE permission = $1)
                                RETURNING id, generation";

    IS_CLIENT = "SELECT 1 FROM clients WHERE id = $1";
    IS_USER = "SELECT 1 FROM users WHERE id = $1";
    USERS = "SELECT id, name, state, password, generation, version, created_at, updated_at, last_login_at,
                    ARRAY(SELECT permission FROM user_permissions WHERE user_id = users.id
                          ORDER BY permission) AS permissions,
                    ARRAY(SELECT role FROM user_roles WHERE user_id = users.id ORDER BY role) AS roles
             FROM users
             WHERE ($1::text IS NULL OR id = $1) AND ($2::text IS NULL OR name_key = $2) AND id > $3
                 AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR name ILIKE $5)
             ORDER BY id LIMIT $6";
    PUT_USER = "INSERT INTO users (id, name, name_key, state, password, generation, version, created_at, updated_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                ON CONFLICT (id) DO UPDATE SET
                    name = excluded.name, name_key = excluded.name_key, state = excluded.state,
                    password = excluded.password, generation = excluded.generation,
                    version = excluded.version, updated_at = excluded.updated_at";
    REHASH = "UPDATE users SET password = $3 WHERE id = $1 AND password = $2";
    CLEAR_USER_PERMISSIONS = "DELETE FROM user_permissions WHERE user_id = $1";
    INSERT_USER_PERMISSIONS = "INSERT INTO user_permissions (user_id, permission) SELECT $1, unnest($2::text[])";
    CLEAR_USER_ROLES = "DELETE FROM user_roles WHERE user_id = $1";
    INSERT_USER_ROLES = "INSERT INTO user_roles (user_id, role) SELECT $1, unnest($2::text[])";
    RAISE_ROLE_USERS = "UPDATE users SET generation = generation + 1, version = version + 1, updated_at = $2
                        WHERE id IN (SELECT user_id FROM user_roles WHERE role = $1)
                        RETURNING id, generation";
    RAISE_PERMISSION_USERS = "UPDATE users SET generation = generation + 1, version = version + 1, updated_at = $2
                              WHERE id IN (SELECT user_id FROM user_permissions WHERE permission = $1
                                           UNION
                                           SELECT user_id FROM user_roles JOIN role_permissions USING (role)
                                           WHERE permission = $1)
                              RETURNING id, generation";
    DELETE_PERMISSION_OF_USERS = "DELETE FROM user_permissions WHERE permission = $1";
    DELETE_ROLE_USERS = "DELETE FROM user_roles WHERE role = $1";

    SIGNED_IN = "UPDATE users SET last_login_at = $2 WHERE id = $1 AND state = 'active' AND version = $3";
    INSERT_SESSION = "INSERT INTO sessions (id, user_id, hash, created_at, seen_at, ends_at, address, agent)
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    END_OLDEST_SESSIONS = "DELETE FROM sessions WHERE user_id = $1 AND id NOT IN
                               (SELECT id FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT $2)";
    SESSION = "SELECT sessions.id AS session_id, user_id, sessions.created_at AS began_at, seen_at, ends_at, address,
                      agent, users.id, name, state, password, generation, version, users.created_at, updated_at,
                      last_login_at,
                      ARRAY(SELECT permission FROM user_permissions WHERE user_id = users.id
                            ORDER BY permission) AS permissions,
                      ARRAY(SELECT role FROM user_roles WHERE user_id = users.id ORDER BY role) AS roles,
                      ARRAY(SELECT permission FROM user_permissions WHERE user_id = users.id
                            UNION
                            SELECT permission FROM user_roles JOIN role_permissions USING (role)
                            WHERE user_id = users.id
                            ORDER BY permission) AS rights
               FROM sessions JOIN users ON users.id = user_id AND state = 'active'
               WHERE hash = $1 AND ends_at > $2 AND seen_at > $3";
    SESSIONS = "SELECT id AS session_id, user_id, created_at AS began_at, seen_at, ends_at, address, agent
                FROM sessions
                WHERE user_id = $1 AND ends_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, id DESC";
    SESSION_SEEN = "UPDATE sessions SET seen_at = greatest(seen_at, $2) WHERE id = $1";
    END_SESSION = "DELETE FROM sessions WHERE user_id = $1 AND id = $2";
    END_SESSIONS = "DELETE FROM sessions WHERE user_id = $1 AND ($2::text IS NULL OR id <> $2) RETURNING id";
    FORGET_SESSIONS = "DELETE FROM sessions WHERE ends_at <= $1 OR seen_at <= $2";

    CLIENTS_BY_STATE = "SELECT state, count(*) AS count FROM clients GROUP BY state ORDER BY state";
    SECRETS_ENDING = "SELECT clients.id AS client, clients.name, credentials.id, credentials.created_at, expires_at,
                             last_used_at, last_used_from
                      FROM credentials JOIN clients ON clients.id = client_id AND state = 'active'
                      WHERE expires_at > $1 AND expires_at <= $2
                      ORDER BY expires_at, credentials.id LIMIT $3";
    SECRETS_IDLE = "SELECT clients.id AS client, clients.name, credentials.id, credentials.created_at, expires_at,
                           last_used_at, last_used_from
                    FROM credentials JOIN clients ON clients.id = client_id AND state = 'active'
                    WHERE coalesce(last_used_at, credentials.created_at) < $1 AND expires_at IS NULL
                    ORDER BY coalesce(last_used_at, credentials.created_at), credentials.id LIMIT $2";
    SECRETS_IDLE_ENDING = "SELECT clients.id AS client, clients.name, credentials.id, credentials.created_at,
                                  expires_at, last_used_at, last_used_from
                           FROM credentials JOIN clients ON clients.id = client_id AND state = 'active'
                           WHERE coalesce(last_used_at, credentials.created_at) < $1 AND expires_at > $2
                           ORDER BY coalesce(last_used_at, credentials.created_at), credentials.id LIMIT $3";
    REFUSED_SINCE = "SELECT candidate.client_id, name, candidate.outcome, sum(usage.count)::bigint AS count
                     FROM (SELECT DISTINCT often.client_id, often.outcome
                           FROM generate_series($1::bigint, $2::bigint, 3600000000) AS hours (hour)
                               CROSS JOIN LATERAL (SELECT client_id, outcome FROM usage
                                                   WHERE usage.hour = hours.hour AND outcome <> 'issued'
                                                   ORDER BY count DESC LIMIT $4) AS often) AS candidate
                         JOIN clients ON clients.id = candidate.client_id
                         JOIN usage ON usage.client_id = candidate.client_id
                             AND usage.outcome = candidate.outcome AND usage.hour >= $1
                     GROUP BY candidate.client_id, name, candidate.outcome
                     ORDER BY count DESC, candidate.client_id, candidate.outcome LIMIT $3";

    CLIENTS_WITH_PERMISSION = "SELECT client_id AS id, count(*) OVER () AS count FROM client_permissions
                               WHERE permission = $1 ORDER BY client_id LIMIT $2";
    USERS_WITH_PERMISSION = "SELECT user_id AS id, count(*) OVER () AS count FROM user_permissions
                             WHERE permission = $1 ORDER BY user_id LIMIT $2";
    ROLES_WITH_PERMISSION = "SELECT role AS id, count(*) OVER () AS count FROM role_permissions
                             WHERE permission = $1 ORDER BY role LIMIT $2";
    CLIENTS_WITH_ROLE = "SELECT client_id AS id, count(*) OVER () AS count FROM client_roles
                         WHERE role = $1 ORDER BY client_id LIMIT $2";
    USERS_WITH_ROLE = "SELECT user_id AS id, count(*) OVER () AS count FROM user_roles
                       WHERE role = $1 ORDER BY user_id LIMIT $2";

    PERMISSIONS = "SELECT name, api, description FROM permissions ORDER BY name";
    INSERT_PERMISSION = "INSERT INTO permissions (name, api, description, created_at) VALUES ($1, $2, $3, $4)
                         ON CONFLICT (name) DO NOTHING";
    UPDATE_PERMISSION = "UPDATE permissions SET description = $2 WHERE name = $1";
    DELETE_PERMISSION = "DELETE FROM permissions WHERE name = $1";
    DELETE_PERMISSION_OF_CLIENTS = "DELETE FROM client_permissions WHERE permission = $1";
    DELETE_PERMISSION_OF_ROLES = "DELETE FROM role_permissions WHERE permission = $1";
    TAKE_FROM_DEFAULT_SCOPES = "UPDATE clients
                                SET default_scope = array_to_string(
                                    array_remove(string_to_array(default_scope, ' '), $1), ' ')
                                WHERE $1 = ANY (string_to_array(default_scope, ' '))";

    ROLES = "SELECT name, description,
                    ARRAY(SELECT permission FROM role_permissions WHERE role = name ORDER BY permission) AS permissions
             FROM roles ORDER BY name";
    INSERT_ROLE = "INSERT INTO roles (name, description, created_at) VALUES ($1, $2, $3)
                   ON CONFLICT (name) DO NOTHING";
    UPDATE_ROLE = "UPDATE roles SET description = $2 WHERE name = $1";
    DELETE_ROLE = "DELETE FROM roles WHERE name = $1";
    DELETE_ROLE_HOLDERS = "DELETE FROM client_roles WHERE role = $1";
    CLEAR_ROLE_PERMISSIONS = "DELETE FROM role_permissions WHERE role = $1";
    INSERT_ROLE_PERMISSIONS = "INSERT INTO role_permissions (role, permission) SELECT $1, unnest($2::text[])";

    APIS = "SELECT name, audience, signing_alg, access_token_ttl, token_format FROM apis ORDER BY name";
    INSERT_API = "INSERT INTO apis (name, audience, signing_alg, access_token_ttl, token_format, created_at)
                  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    UPDATE_API = "UPDATE apis SET signing_alg = $2, access_token_ttl = $3, token_format = $4 WHERE name = $1";

    COUNTER = "SELECT value FROM counters WHERE name = $1";
    NEXT = "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value";
    RAISE_COUNTER = "UPDATE counters SET value = $2 WHERE name = $1 AND value < $2";

    PUT_CHANGES = "WITH taken AS (UPDATE counters SET value = value + cardinality($1::text[]) WHERE name = 'change_seq'
                                  RETURNING value - cardinality($1::text[]) AS before)
                   INSERT INTO change_log (seq, kind, id, generation, until)
                   SELECT (SELECT before FROM taken) + place, kind, id, generation, until
                   FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY
                       AS new (kind, id, generation, until, place)
                   ON CONFLICT (kind, id) DO UPDATE SET
                       seq = excluded.seq,
                       generation = coalesce(excluded.generation, change_log.generation),
                       until = greatest(excluded.until, change_log.until)";
    NOTIFY = "SELECT pg_notify('grantd_changes', '')";
    DEAD_BELOW = "SELECT coalesce(max(generation), 0) AS generation FROM change_log WHERE kind = 'client' AND id = $1";
    FORGET_ENDED = "DELETE FROM change_log WHERE until <= $1";
    CHANGES = "SELECT seq, kind, id, generation, until FROM change_log WHERE seq > $1 ORDER BY seq LIMIT $2";

    STANDING = "SELECT (SELECT state FROM clients WHERE id = $1) AS client_state,
                       (SELECT generation FROM clients WHERE id = $1) AS client_generation,
                       EXISTS (SELECT 1 FROM change_log WHERE kind = 'credential' AND id = $2) AS credential_dead,
                       EXISTS (SELECT 1 FROM change_log WHERE kind = 'token' AND id = $3) AS token_dead,
                       (SELECT state FROM users WHERE id = $4) AS user_state,
                       (SELECT generation FROM users WHERE id = $4) AS user_generation,
                       EXISTS (SELECT 1 FROM change_log WHERE kind = 'grant' AND id = $5) AS approval_dead,
                       EXISTS (SELECT 1 FROM change_log WHERE kind = 'key' AND id = $6) AS key_dead";

    PASSKEYS = "SELECT id, user_id, name, credential, key, created_at, last_used_at FROM passkeys
                WHERE ($1::text IS NULL OR user_id = $1) AND ($2::bytea IS NULL OR credential = $2) ORDER BY id";
    INSERT_PASSKEY = "INSERT INTO passkeys (id, user_id, name, credential, key, created_at)
                      SELECT $1, id, $3, $4, $5, $6 FROM users WHERE id = $2 AND state = 'active'";
    USE_PASSKEY = "UPDATE passkeys SET key = $4, last_used_at = $5
                   WHERE id = $1 AND user_id = $2 AND key = $3
                       AND EXISTS (SELECT 1 FROM users WHERE id = $2 AND state = 'active' AND version = $6)";
    DELETE_PASSKEY = "DELETE FROM passkeys WHERE id = $1";
    ANSWER = "INSERT INTO answered (question, until) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    FORGET_ANSWERED = "DELETE FROM answered WHERE until <= $1";

    INSERT_APPROVAL = "INSERT INTO approvals (id, user_id, client_id, api, scope, given_at, code, redirect_uri,
                                              challenge, code_ends_at, ends_at)
                       SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
                       WHERE EXISTS (SELECT 1 FROM users WHERE id = $2 AND state = 'active' AND generation = $12)
                           AND EXISTS (SELECT 1 FROM clients WHERE id = $3 AND state = 'active' AND generation = $13)";
    DISCARD_OLDEST_CODES = "DELETE FROM approvals WHERE id IN (
                                SELECT id FROM approvals WHERE user_id = $1 AND client_id = $2 AND NOT spent
                                ORDER BY id DESC OFFSET $3)";
    DISCARD_CODE = "DELETE FROM approvals WHERE id = $1 AND NOT spent";
    APPROVED = "SELECT approvals.id, user_id, client_id, api, scope, given_at, redirect_uri, challenge, code_ends_at,
                       spent, refresh_number, rotated_at, ends_at, users.state, users.generation,
                       ARRAY(SELECT permission FROM user_permissions WHERE user_id = users.id
                             UNION
                             SELECT permission FROM user_roles JOIN role_permissions USING (role)
                             WHERE user_id = users.id
                             ORDER BY permission) AS rights
                FROM approvals JOIN users ON users.id = user_id
                WHERE code = $1 OR family = $2 OR family = $3";
    SPEND_CODE = "WITH one AS (UPDATE approvals
                               SET spent = true, family = $2, refresh_number = $3, rotated_at = $4,
                                   ends_at = greatest(ends_at, $5)
                               WHERE id = $1 AND NOT spent RETURNING user_id, client_id),
                       used AS (UPDATE consents SET used_at = $4 FROM one
                                WHERE consents.user_id = one.user_id AND consents.client_id = one.client_id)
                  SELECT user_id, client_id,
                         (SELECT count(*) FROM approvals
                          WHERE approvals.user_id = one.user_id AND approvals.client_id = one.client_id
                              AND spent) AS others
                  FROM one";
    REFRESH_STATE = "SELECT refresh_number, rotated_at FROM approvals WHERE id = $1 FOR UPDATE";
    ROTATE_REFRESH = "WITH one AS (UPDATE approvals SET refresh_number = $2 + 1, rotated_at = $3, family = $4
                                   WHERE id = $1 AND refresh_number = $2 RETURNING user_id, client_id),
                           used AS (UPDATE consents SET used_at = $3 FROM one
                                    WHERE consents.user_id = one.user_id AND consents.client_id = one.client_id)
                      SELECT 1 FROM one";
    KEEP_APPROVAL = "UPDATE approvals SET ends_at = greatest(ends_at, $2) WHERE id = $1";
    END_APPROVAL = "DELETE FROM approvals WHERE id = $1 RETURNING id, spent, user_id, client_id";
    END_APPROVALS_BETWEEN = "DELETE FROM approvals WHERE user_id = $1 AND client_id = $2
                             RETURNING id, spent, user_id, client_id";
    END_APPROVALS_OF_USER = "DELETE FROM approvals WHERE user_id = $1 RETURNING id, spent, user_id, client_id";
    END_APPROVALS_OF_CLIENT = "DELETE FROM approvals WHERE client_id = $1 RETURNING id, spent, user_id, client_id";
    END_APPROVALS_FOR_ONE_PERMISSION = "DELETE FROM approvals WHERE scope = $1
                                        RETURNING id, spent, user_id, client_id";
    END_OLDEST_APPROVALS = "DELETE FROM approvals WHERE id IN (
                                SELECT id FROM approvals WHERE user_id = $1 AND client_id = $2 AND spent
                                ORDER BY id DESC OFFSET $3)
                            RETURNING id, spent, user_id, client_id";
    TAKE_FROM_APPROVALS = "UPDATE approvals
                           SET scope = array_to_string(array_remove(string_to_array(scope, ' '), $1), ' ')
                           WHERE $1 = ANY (string_to_array(scope, ' '))";
    TAKE_FROM_CONSENTS = "UPDATE consents
                          SET permissions = array_to_string(
                              array_remove(string_to_array(permissions, ' '), $1), ' ')
                          WHERE $1 = ANY (string_to_array(permissions, ' '))";
    FORGET_APPROVALS = "DELETE FROM approvals WHERE ends_at <= $1";
    CONSENT = "SELECT user_id, client_id, permissions, given_at, used_at FROM consents
               WHERE user_id = $1 AND client_id = $2";
    CONSENTS = "SELECT user_id, client_id, permissions, given_at, used_at FROM consents
                WHERE user_id = $1 ORDER BY used_at DESC NULLS LAST, client_id LIMIT $2";
    PUT_CONSENT = "INSERT INTO consents (user_id, client_id, permissions, given_at) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (user_id, client_id) DO UPDATE SET permissions = excluded.permissions";
    DELETE_CONSENT = "DELETE FROM consents WHERE user_id = $1 AND client_id = $2";

    ADD_USAGE = "INSERT INTO usage (client_id, hour, outcome, count, last_at, last_from)
                 SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])
                     AS new (client_id, hour, outcome, count, last_at, last_from)
                 ORDER BY client_id, hour, outcome
                 ON CONFLICT (client_id, hour, outcome) DO UPDATE SET
                     count = usage.count + excluded.count,
                     last_at = greatest(usage.last_at, excluded.last_at),
                     last_from = CASE WHEN excluded.last_at >= usage.last_at
                                      THEN excluded.last_from ELSE usage.last_from END";
    ADD_USAGE_TOTALS = "INSERT INTO usage_totals (hour, outcome, count)
                        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS new (hour, outcome, count) ORDER BY hour, outcome
                        ON CONFLICT (hour, outcome) DO UPDATE SET count = usage_totals.count + excluded.count";
    USAGE = "SELECT client_id, hour, outcome, count, last_at, last_from FROM usage
             WHERE hour >= $1 AND hour < $2 AND (hour, client_id, outcome) > ($4, $5, $6)
             ORDER BY hour, client_id, outcome LIMIT $3";
    USAGE_OF_CLIENT = "SELECT client_id, hour, outcome, count, last_at, last_from FROM usage
                       WHERE client_id = $1 AND hour >= $2 AND hour < $3
                           AND (hour, client_id, outcome) > ($5, $6, $7)
                       ORDER BY hour, outcome LIMIT $4";
    USAGE_TOTALS = "SELECT hour, outcome, count FROM usage_totals
                    WHERE hour >= $1 AND hour < $2 ORDER BY hour, outcome";
    FORGET_USAGE = "DELETE FROM usage WHERE hour < $1";
    FORGET_USAGE_TOTALS = "DELETE FROM usage_totals WHERE hour < $1";

    ROUTINE_DEEDS = "SELECT count(*) AS count FROM (SELECT at FROM audit WHERE actor = $1 AND action = $2
                                                    ORDER BY seq DESC LIMIT $4) AS last
                     WHERE at > $3";
    LAST_HASH = "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1";
    INSERT_AUDIT = "INSERT INTO audit (seq, at, actor, address, action, object, before, after, hash)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    AUDIT = "SELECT seq, at, actor, address, action, object, before, after, hash FROM audit
             WHERE seq > $1 AND ($3::text IS NULL OR actor = $3) AND ($4::text IS NULL OR action = $4)
                 AND ($5::text IS NULL OR object = $5)
             ORDER BY seq LIMIT $2";
    AUDIT_BACKWARDS = "SELECT seq, at, actor, address, action, object, before, after, hash FROM audit
                       WHERE seq < $1 AND ($3::text IS NULL OR actor = $3) AND ($4::text IS NULL OR action = $4)
                           AND ($5::text IS NULL OR object = $5)
                       ORDER BY seq DESC LIMIT $2";
}

#[cfg(test)]
mod tests {
    use crate::postgres::{Address, Postgres};

    #[tokio::test]
    async fn every_statement_prepares_against_the_migrated_schema() {
        let Some(database) = grantd_test_postgres::database() else { return };
        let address = Address::parse(&database.url()).unwrap();
        let store = Postgres::open(&address).await.unwrap();
        let connection = store.link.connection(store.link.line.enter().unwrap()).await.unwrap();
        for (name, sql) in super::ALL {
            if let Err(error) = connection.prepare(sql).await {
                panic!("{name}: {:?}", error.as_db_error());
            }
        }
    }
}
