//! The tables that are moved from one database to another, column by column, for every engine.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Whole,
    /// Bytes.
    Bytes,
    /// Yes or no.
    Flag,
}

/// A table; the first columns are its primary key.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its columns, those of the key first.
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// How many of them are the key.
    pub(crate) key: usize,
}

impl Table {
    /// The names of its columns, for a statement.
    pub(crate) fn names(&self) -> String {
        joined(self.columns)
    }

    /// The names of its key's columns, for a statement.
    pub(crate) fn key_names(&self) -> String {
        joined(&self.columns[..self.key])
    }

    /// The statement that reads a page in the order of the key: behind a key, or from the start. The
    /// number of rows is the last parameter. Both engines compare texts byte by byte.
    pub(crate) fn page_statement(&self, behind: Behind) -> String {
        let (names, key) = (self.names(), self.key_names());
        let (condition, limit) = match behind {
            Behind::Nothing => (String::new(), 1),
            Behind::Key => {
                let places: Vec<_> = (1..=self.key).map(|at| format!("${at}")).collect();
                (format!("WHERE ({key}) > ({})", places.join(", ")), self.key + 1)
            }
        };
        format!("SELECT {names} FROM {} {condition} ORDER BY {key} LIMIT ${limit}", self.name)
    }
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// At the start.
    Nothing,
    /// Behind a key.
    Key,
}

fn joined(columns: &[(&str, Kind)]) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

macro_rules! tables {
    ($($name:ident ($key:literal) { $($column:ident $kind:ident),+ $(,)? })+) => {
        &[$(Table {
            name: stringify!($name),
            columns: &[$((stringify!($column), Kind::$kind)),+],
            key: $key,
        }),+]
    };
}

/// What a new database has in these two is its own; the other's takes its place.
pub(crate) const FURNISHED: [&str; 2] = ["apis", "counters"];

/// Tables that say something of one database alone.
#[cfg(test)]
pub(crate) const LEFT: [&str; 1] = ["_migrations"];

/// All others: what is referred to stands before what refers to it. A test holds them against the
/// schemas of both engines.
pub(crate) const TABLES: &[Table] = tables! {
    apis (1) {
        name Text, audience Text, signing_alg Text, access_token_ttl Whole, created_at Whole, token_format Text,
    }
    permissions (1) { name Text, api Text, description Text, created_at Whole }
    roles (1) { name Text, description Text, created_at Whole }
    role_permissions (2) { role Text, permission Text }
    clients (1) {
        id Text, name Text, description Text, kind Text, state Text, grants Text, redirect_uris Text,
        owner_type Text, owner_id Text, default_scope Text, access_token_ttl Whole, signing_alg Text,
        generation Whole, created_at Whole, updated_at Whole, version Whole, token_format Text,
        serves Text, pkce Text, refresh_retry Whole,
    }
    client_permissions (2) { client_id Text, permission Text }
    client_roles (2) { client_id Text, role Text }
    credentials (1) {
        id Text, client_id Text, hash Bytes, created_at Whole, expires_at Whole, last_used_at Whole,
        last_used_from Text,
    }
    users (1) {
        id Text, name Text, name_key Text, state Text, password Text, generation Whole, version Whole,
        created_at Whole, updated_at Whole, last_login_at Whole,
    }
    user_permissions (2) { user_id Text, permission Text }
    user_roles (2) { user_id Text, role Text }
    sessions (1) {
        id Text, user_id Text, hash Bytes, created_at Whole, seen_at Whole, ends_at Whole, address Text,
        agent Text,
    }
    passkeys (1) {
        id Text, user_id Text, name Text, credential Bytes, key Text, created_at Whole,
        last_used_at Whole,
    }
    answered (1) { question Bytes, until Whole }
    consents (2) { user_id Text, client_id Text, permissions Text, given_at Whole, used_at Whole }
    approvals (1) {
        id Text, user_id Text, client_id Text, api Text, scope Text, given_at Whole, code Bytes,
        redirect_uri Text, challenge Bytes, code_ends_at Whole, spent Flag, family Bytes,
        refresh_number Whole, rotated_at Whole, ends_at Whole,
    }
    usage (3) { client_id Text, hour Whole, outcome Text, count Whole, last_at Whole, last_from Text }
    usage_totals (2) { hour Whole, outcome Text, count Whole }
    change_log (1) { seq Whole, kind Text, id Text, generation Whole, until Whole }
    audit (1) {
        seq Whole, at Whole, actor Text, address Text, action Text, object Text, before Text, after Text,
        hash Bytes,
    }
    counters (1) { name Text, value Whole }
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_behind_the_whole_key() {
        let table = TABLES.iter().find(|table| table.name == "usage_totals").unwrap();
        assert_eq!(
            table.page_statement(Behind::Key),
            "SELECT hour, outcome, count FROM usage_totals WHERE (hour, outcome) > ($1, $2) ORDER BY hour, outcome LIMIT $3"
        );
        assert!(table.page_statement(Behind::Nothing).ends_with("ORDER BY hour, outcome LIMIT $1"));
    }
}
