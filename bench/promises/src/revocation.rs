//! The time from an answered revocation to the refusal of its token by each of many guards.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use grantd_core::{ClientState, SecretHasher};
use grantd_guard::{FeedCredentials, Guard};
use grantd_issuer::{Admin, NewClient, Registrar};
use tokio::time::Instant;

use crate::server::{Place, Server};

/// The promise: 99 of 100 refusals come within this time.
const LIMIT: Duration = Duration::from_millis(250);

/// Starts that binary on an empty database, connects the guards to its feed, revokes one client after
/// the other and prints the distribution.
pub(crate) async fn measure(binary: &str, guards: usize, revocations: usize) -> Result<()> {
    let place = Place::new(binary)?;
    let server = place.serve()?;
    through(&place, [&server, &server], guards, revocations, LIMIT).await
}

/// The same where tokens are got from the first node and the guards listen to the second.
pub(crate) async fn through(
    place: &Place,
    [first, second]: [&Server; 2],
    guards: usize,
    revocations: usize,
    limit: Duration,
) -> Result<()> {
    let registrar = Registrar::new(place.storage().await?);
    let hasher = place.secret_key()?.secret_hasher();
    let guards = connect(second, &registrar, &hasher, guards).await?;
    let mut delays = Vec::new();
    for _ in 0..revocations {
        delays.extend(revoke_one(first, &registrar, &hasher, &guards).await?);
    }
    delays.sort();
    let at = |share: f64| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index of a percentile"
        )]
        let index = ((delays.len() - 1) as f64 * share) as usize;
        delays[index]
    };
    println!(
        "{} guards, {revocations} revocations: p50 {:.1?}, p90 {:.1?}, p99 {:.1?}, max {:.1?} (limit p99 {limit:?})",
        guards.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
    );
    if at(0.99) > limit {
        bail!("p99 is over the limit");
    }
    Ok(())
}

/// Guards of one resource server, each with a connection of its own to the feed.
async fn connect(
    server: &Server,
    registrar: &Registrar,
    hasher: &SecretHasher,
    count: usize,
) -> Result<Vec<Guard>> {
    let new = NewClient {
        name: "Reader".to_owned(),
        serves: vec!["default".to_owned()],
        ..NewClient::default()
    };
    let reader = registrar.create_client(&Admin::program("bench"), new, hasher).await?;
    let (_, secret) = reader.secret.context("a confidential client has a secret")?;
    let mut guards = Vec::with_capacity(count);
    for _ in 0..count {
        let credentials = FeedCredentials::basic(reader.client.id.as_str(), secret.reveal());
        guards.push(Guard::discover(server.issuer()).revocations(credentials).build().await?);
    }
    Ok(guards)
}

/// One client lives and dies; the answer is how long each guard took to hear of it.
async fn revoke_one(
    server: &Server,
    registrar: &Registrar,
    hasher: &SecretHasher,
    guards: &[Guard],
) -> Result<Vec<Duration>> {
    let admin = Admin::program("bench");
    let new = NewClient { name: "Doomed".to_owned(), ..NewClient::default() };
    let created = registrar.create_client(&admin, new, hasher).await?;
    let (_, secret) = created.secret.context("a confidential client has a secret")?;
    let id = created.client.id.as_str();
    let token = server.token(id, secret.reveal()).await?;
    for guard in guards {
        guard.verify(&token).await.context("a living token is accepted")?;
    }
    registrar.set_client_state(&admin, id, ClientState::Revoked).await?;
    let answered = Instant::now();
    let mut waiting: Vec<&Guard> = guards.iter().collect();
    let mut delays = Vec::with_capacity(guards.len());
    while !waiting.is_empty() {
        let mut still = Vec::new();
        for guard in waiting {
            match guard.verify(&token).await {
                Ok(_) => still.push(guard),
                Err(_) => delays.push(answered.elapsed()),
            }
        }
        waiting = still;
        if answered.elapsed() > Duration::from_secs(10) {
            bail!("{} guards never refused the token", waiting.len());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(delays)
}
