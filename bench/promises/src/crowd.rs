//! Many clients, made as every client is made, and how each asks for a token.

use std::sync::Arc;

use anyhow::{Context, Result};
use grantd_core::{Algorithm, ClientState, SecretHasher};
use grantd_issuer::{Admin, NewClient, Owner, PermissionEntry, Registrar, RoleEntry};
use tokio::task::JoinSet;

use crate::{http::token_request, measured::Dice, server::Place};

/// One of so many is revoked.
const REVOKED: usize = 50;

/// Clients that get tokens.
pub(crate) struct Crowd {
    /// Their ids, sorted.
    pub(crate) ids: Vec<String>,
    /// How each asks for a token.
    pub(crate) requests: Arc<Vec<Vec<u8>>>,
}

impl Crowd {
    /// Makes so many clients that get tokens, and a few revoked ones among them.
    pub(crate) async fn settle(place: &Place, count: usize) -> Result<Self> {
        let registrar = Arc::new(Registrar::new(place.storage().await?));
        let hasher = Arc::new(place.secret_key()?.secret_hasher());
        rights(&registrar).await?;
        let (mut made, together) = (Vec::with_capacity(count), place.together());
        let mut running = JoinSet::new();
        for n in 0..count + count / REVOKED {
            if running.len() >= together {
                made.extend(running.join_next().await.context("a client to be")???);
            }
            let dies = n % (REVOKED + 1) == REVOKED;
            running.spawn(one(Arc::clone(&registrar), Arc::clone(&hasher), (n, dies)));
        }
        while let Some(last) = running.join_next().await {
            made.extend(last??);
        }
        made.sort_unstable();
        let (ids, mut requests): (_, Vec<_>) = made.into_iter().unzip();
        // Clients ask in no order; in that of their ids the database would be spared.
        let mut dice = Dice::default();
        for at in 1..requests.len() {
            requests.swap(at, dice.below(at + 1));
        }
        Ok(Self { ids, requests: Arc::new(requests) })
    }
}

async fn rights(registrar: &Registrar) -> Result<()> {
    let by = Admin::program("bench");
    for name in ["view_schools", "invoices.read", "invoices.write"] {
        let entry = PermissionEntry {
            name: name.parse()?,
            api: "default".to_owned(),
            description: String::new(),
        };
        registrar.create_permission(&by, &entry).await?;
    }
    let role = RoleEntry {
        name: "accountant".parse()?,
        description: String::new(),
        permissions: vec!["invoices.read".parse()?, "invoices.write".parse()?],
    };
    Ok(registrar.create_role(&by, &role).await?)
}

/// The client of this number: its id and how it asks for a token; none where it is revoked.
async fn one(
    registrar: Arc<Registrar>,
    hasher: Arc<SecretHasher>,
    (n, dies): (usize, bool),
) -> Result<Option<(String, Vec<u8>)>> {
    let by = Admin::program("bench");
    let kind = ["merchant", "school", "team", "partner"][n % 4];
    let what = ["invoices", "schools", "timetables", "payments", "reports"][n / 4 % 5];
    let new = NewClient {
        name: format!("{kind} {n:06} {what}"),
        description: format!("Reads {what} every night"),
        owner: Some(Owner { kind: kind.to_owned(), id: format!("{}", n / 40) }),
        permissions: vec!["view_schools".parse()?],
        roles: vec!["accountant".parse()?],
        signing_alg: Some(Algorithm::EdDsa),
        ..NewClient::default()
    };
    let created = registrar.create_client(&by, new, &hasher).await?;
    let id = created.client.id.to_string();
    if dies {
        registrar.set_client_state(&by, &id, ClientState::Revoked).await?;
        return Ok(None);
    }
    let (_, secret) = created.secret.context("a confidential client has a secret")?;
    let request = token_request(&id, secret.reveal());
    Ok(Some((id, request)))
}
