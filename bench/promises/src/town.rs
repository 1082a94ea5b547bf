//! What stands around many clients in a database of some years: rights, people, counts, old secrets.

use std::sync::Arc;

use anyhow::{Context, Result};
use grantd_core::Secret;
use grantd_issuer::{
    Admin, NewUser, Password, PermissionEntry, Registrar, RoleEntry,
    accounts::hash_password,
    audit::{AuditQuery, Order},
    client_change::ClientEdit,
};
use rusqlite::Connection;
use tokio::task::JoinSet;

use crate::{crowd::Crowd, server::Place};

const PERMISSIONS: usize = 300;
const ROLES: usize = 50;
const USERS: usize = 1000;
/// How often the busiest app was changed.
const CHANGES: usize = 100;

/// The operator's password.
pub(crate) const PASSWORD: &str = "correct-horse-battery-staple";

/// Ages the secrets, each the second of its client, counts a day of all clients and a month of the first, in hours and microseconds.
const YEARS: &str = "
UPDATE credentials SET created_at = created_at - 10368000000000,
    expires_at = iif(rowid % 100 = 0, unixepoch() * 1000000 + 86400000000 * (rowid % 29 + 1), NULL),
    last_used_at = iif(rowid % 3 = 0, NULL, (unixepoch() - rowid % 10000000) * 1000000);
INSERT INTO credentials
    SELECT '01900000-0000-7000-8000-' || printf('%012x', rowid), client_id, hash, created_at - 10368000000000,
           created_at, created_at, '203.0.113.9'
    FROM credentials;
INSERT INTO usage
    SELECT clients.id, (unixepoch() / 3600 - 6 * hours.value) * 3600000000, 'issued', 7, unixepoch() * 1000000, '203.0.113.9'
    FROM json_each('[0, 1, 2, 3]') AS hours, clients;
INSERT INTO usage
    SELECT clients.id, (unixepoch() / 3600 - 7 * hours.value) * 3600000000, 'client-secret-wrong', 3, unixepoch() * 1000000,
           '203.0.113.9'
    FROM json_each('[0, 1, 2]') AS hours, clients WHERE clients.rowid % 10 = 0;
INSERT OR IGNORE INTO usage
    WITH RECURSIVE hours (back) AS (VALUES (0) UNION ALL SELECT back + 1 FROM hours WHERE back < 30 * 24)
    SELECT (SELECT min(id) FROM clients WHERE state = 'active'), (unixepoch() / 3600 - back) * 3600000000, outcome.value, 40,
           unixepoch() * 1000000, '203.0.113.9'
    FROM hours, json_each('[\"issued\", \"client-secret-wrong\", \"scope-not-allowed\"]') AS outcome;
INSERT INTO usage_totals SELECT hour, outcome, sum(count) FROM usage GROUP BY hour, outcome;
";

/// What pages are asked about.
pub(crate) struct Town {
    /// Clients; the first has the most to show.
    pub(crate) clients: Vec<String>,
    /// The ids of users.
    pub(crate) users: Vec<String>,
    /// How many changes the audit log has.
    pub(crate) changes: u64,
}

impl Town {
    /// Settles so many clients, and all that is around them.
    pub(crate) async fn settle(place: &Place, count: usize) -> Result<Self> {
        let clients = Crowd::settle(place, count).await?.ids;
        let registrar = Arc::new(Registrar::new(place.storage().await?));
        let by = Admin::program("bench");
        rights(&registrar, &by).await?;
        let users = people(&registrar, &by).await?;
        let edit = ClientEdit {
            add_permissions: (0..20).map(permission).collect::<Result<_>>()?,
            add_roles: (0..5).map(role).collect::<Result<_>>()?,
            ..ClientEdit::default()
        };
        let first = clients.first().context("a client")?;
        registrar.edit_client(&by, first, edit, None).await?;
        for n in 0..CHANGES {
            let description = Some(format!("Changed {n} times"));
            let edit = ClientEdit { description, ..ClientEdit::default() };
            registrar.edit_client(&by, first, edit, None).await?;
        }
        Connection::open(place.database())?.execute_batch(YEARS)?;
        let changes = newest(&registrar).await?;
        Ok(Self { clients, users, changes })
    }
}

async fn newest(registrar: &Registrar) -> Result<u64> {
    let query = AuditQuery { order: Order::NewestFirst, limit: 1, ..AuditQuery::default() };
    let found = registrar.audit(&query).await?;
    Ok(found.first().context("a change")?.seq)
}

fn permission(n: usize) -> Result<grantd_core::Permission> {
    Ok(format!("area{}.right{n}", n % 20).parse()?)
}

fn role(n: usize) -> Result<grantd_core::RoleName> {
    Ok(format!("role{n}").parse()?)
}

async fn rights(registrar: &Registrar, by: &Admin) -> Result<()> {
    for n in 0..PERMISSIONS {
        let description = format!("What the people of area {} do every day", n % 20);
        let entry =
            PermissionEntry { name: permission(n)?, api: "default".to_owned(), description };
        registrar.create_permission(by, &entry).await?;
    }
    let name = "manage_system".parse()?;
    let entry = PermissionEntry { name, api: "default".to_owned(), description: String::new() };
    registrar.create_permission(by, &entry).await?;
    for n in 0..ROLES {
        let holds = (0..PERMISSIONS).skip(n).step_by(ROLES / 2).map(permission);
        let role = RoleEntry {
            name: role(n)?,
            description: format!("Who works in office {n}"),
            permissions: holds.collect::<Result<_>>()?,
        };
        registrar.create_role(by, &role).await?;
    }
    Ok(())
}

/// The operator `maria`, and many who have some right; nobody but her has a password.
async fn people(registrar: &Arc<Registrar>, by: &Admin) -> Result<Vec<String>> {
    let chosen = Password::choose(Secret::new(PASSWORD.to_owned()))?;
    let maria = NewUser {
        name: "maria".parse()?,
        password: Some(hash_password(&chosen)?),
        permissions: vec!["manage_system".parse()?],
        roles: Vec::new(),
    };
    registrar.create_user(by, maria).await?;
    let mut running = JoinSet::new();
    for n in 0..USERS {
        let new = NewUser {
            name: format!("person{n:04}").parse()?,
            password: None,
            permissions: vec![permission(n % PERMISSIONS)?],
            roles: vec![role(n % ROLES)?],
        };
        let registrar = Arc::clone(registrar);
        running.spawn(async move { registrar.create_user(&Admin::program("bench"), new).await });
    }
    let mut ids = Vec::with_capacity(USERS);
    while let Some(user) = running.join_next().await {
        ids.push(user??.id.to_string());
    }
    ids.sort_unstable();
    Ok(ids)
}
