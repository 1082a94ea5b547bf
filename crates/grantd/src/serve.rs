//! `grantd serve`: the server as a process, from its settings to its last connection.

mod api;
mod authorization;
mod body;
mod connection;
mod console;
mod contact;
mod farewell;
mod feed;
mod fingerprint;
mod linger;
mod listener;
mod load;
mod metrics;
mod own_guard;
mod pulse;
mod ready;
mod recorder;
mod refusal_log;
mod routes;
mod shut_out;
mod sign_in;
mod signals;
mod stage;
mod sweep;

use std::{io::IsTerminal, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use grantd_core::GrantType;
use grantd_issuer::{Approvals, Clients, Issuer, Registry, StorageFault, Tokens};
use grantd_store::Storage;
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};
use tracing_subscriber::EnvFilter;

use metrics::Metrics;
use sweep::sweep;

pub(crate) use api::MANAGE;
pub(crate) use listener::serve;
pub(crate) use own_guard::own_guard;
pub(crate) use recorder::Recorder;
pub(crate) use routes::{Routes, routes};
pub(crate) use signals::Signals;
pub(crate) use stage::Drain;

use crate::{output::Output, settings::Settings};

/// How long the server waits after it could not look for changes.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs until it is told to stop.
pub(crate) async fn run(settings: Settings, output: Output) -> Result<()> {
    start_log(&settings)?;
    let address = settings.listen()?;
    // Everything that can be wrong with the settings is said before a file or port is taken.
    settings.check_transport(&settings.issuer(address)?, address)?;
    let (build, proxies) = (builder(&settings)?, settings.trusted_proxies()?);
    let drain = settings.drain()?;
    let store = settings.database()?.open().await?;
    let signals = Signals::listen()?;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let listening = listener.local_addr().context("the listening address is unknown")?;
    let issuer = build(settings.issuer(listening)?, Arc::clone(&store));
    if proxies.is_empty() && issuer.identifier().starts_with("https:") {
        let remedy =
            "set GRANTD_TRUSTED_PROXIES, or everybody has the address of the proxy in front";
        tracing::warn!(remedy, "no proxy is trusted to say where requests come from");
    }
    // What remains of the keys is what signs with them.
    drop(settings);
    announce(&issuer, listening, output)?;
    let issuer = Arc::new(issuer);
    store.allow_ttl(issuer.longest_ttl()).await?;
    let recorder = Recorder::start(Arc::clone(&issuer), Arc::clone(&store) as Arc<_>);
    let sweeper = tokio::spawn(sweep(Arc::clone(&store) as Arc<_>));
    let routes = Routes { proxies, ..routes(issuer, store as Arc<_>) };
    let served = serve(listener, routes, signals, drain).await;
    sweeper.abort();
    recorder.stop().await?;
    served
}

/// Reads keys and settings now, and takes issuer and storage when the port is known.
pub(crate) fn builder(
    settings: &Settings,
) -> Result<impl FnOnce(String, Arc<dyn Storage>) -> Issuer + use<>> {
    let (keys, secret_key) = (settings.key_ring()?, settings.secret_key()?);
    let previous = settings.previous_secret_key()?;
    let (ttl, machine_ttl) = (settings.access_token_ttl()?, settings.client_credentials_ttl()?);
    let max_staleness = settings.max_staleness()?;
    let (refresh_ttl, refresh_idle) =
        (settings.refresh_token_ttl()?, settings.refresh_token_idle()?);
    let client_rate = settings.client_rate()?;
    Ok(move |issuer, store: Arc<dyn Storage>| {
        let builder = Issuer::builder(issuer, keys, secret_key);
        let builder = match previous {
            Some(previous) => builder.previous_secret_key(previous),
            None => builder,
        };
        builder
            .access_token_ttl(ttl)
            .client_rate(client_rate)
            .enable(GrantType::ClientCredentials, machine_ttl)
            .enable(GrantType::AuthorizationCode, None)
            .enable(GrantType::RefreshToken, None)
            .refresh_ttl(refresh_ttl, refresh_idle)
            .max_staleness(max_staleness)
            .approvals(Arc::clone(&store) as Arc<dyn Approvals>)
            .tokens(Arc::clone(&store) as Arc<dyn Tokens>)
            .build(store as Arc<dyn Clients>)
    })
}

/// Keeps the cached clients true, and the feed's readers informed, whoever changes things.
pub(crate) struct Watcher {
    issuer: Arc<Issuer>,
    storage: Arc<dyn Registry>,
    told: watch::Sender<u64>,
    noticed: Arc<Notify>,
    metrics: Arc<Metrics>,
}

impl Watcher {
    async fn run(self) {
        loop {
            self.metrics.contacts.asks();
            match self.look().await {
                Ok(revision) => self.metrics.contacts.answered(revision),
                Err(fault) => {
                    self.metrics.contacts.failed(&fault);
                    tokio::time::sleep(PAUSE).await;
                }
            }
            // Whichever comes first: our own change, another node's, or the time to look all the same.
            tokio::select! {
                () = self.noticed.notified() => {}
                () = self.storage.changed() => {}
                () = tokio::time::sleep(self.storage.look_interval()) => {}
            }
        }
    }

    async fn look(&self) -> Result<u64, StorageFault> {
        // In this order: no reader of the feed is told of a change that the cache has not heard of, or a
        // stream would still take its dead credentials for good.
        let revision = self.storage.revision().await?;
        self.issuer.refresh().await?;
        self.told.send_if_modified(|told| std::mem::replace(told, revision) != revision);
        Ok(revision)
    }
}

fn announce(issuer: &Issuer, listening: SocketAddr, output: Output) -> Result<()> {
    let signer = issuer.keys().signer(None).map(|key| key.algorithm().as_str()).unwrap_or_default();
    tracing::info!(%listening, issuer = issuer.identifier(), signer, "grantd is ready");
    let document = json!({ "listening": listening.to_string(), "issuer": issuer.identifier() });
    output.answer(&document, String::new)
}

fn start_log(settings: &Settings) -> Result<()> {
    let filter = EnvFilter::try_new(settings.log())
        .context("GRANTD_LOG: write error, warn, info or debug")?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if settings.log_is_json()? {
        log.json().flatten_event(true).init();
    } else {
        log.with_target(false).init();
    }
    Ok(())
}
