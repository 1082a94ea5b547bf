//! Making connections: host by host, each within its time, first the one that could write last time.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadpool_postgres::Connect;
use futures_util::{FutureExt, future::BoxFuture};
use grantd_issuer::StorageFault;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_postgres::{
    Client, Config, Connection, Error, Socket, config::Host, tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, KNOCK};

type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// The way to whichever host can write. The driver's own tries them in their order each time: a host that
/// takes connections and then says nothing would keep it from the others, and a former primary that
/// comes back would be taken for the present one.
#[derive(Clone)]
pub(super) struct Dial {
    hosts: Arc<[Config]>,
    connector: MakeRustlsConnect,
    latest: Arc<Mutex<Latest>>,
}

/// The host that could write last time, and since when it is this one.
#[derive(Clone, Copy, Default)]
struct Latest {
    at: usize,
    since: Option<Instant>,
    /// When the dial began that found it, or found it again.
    dialled: Option<Instant>,
}

impl Latest {
    /// A dial that began then has found a host that can write. What began before the one that is known may have
    /// taken its time with a host that has been left meanwhile.
    fn found(&mut self, at: usize, begun: Instant) {
        if self.dialled.is_some_and(|dialled| begun < dialled) {
            return;
        }
        self.dialled = Some(begun);
        if self.at != at {
            (self.at, self.since) = (at, Some(begun));
        }
    }
}

impl Dial {
    /// Connects to nothing yet.
    pub(super) fn new(address: &Address) -> Result<Self, StorageFault> {
        let all = address.config();
        let hosts = (0..all.get_hosts().len()).map(|at| one_host(&all, at)).collect();
        Ok(Self { hosts, connector: address.connector()?, latest: Arc::default() })
    }

    /// A connection to a host that can write. Whoever calls bounds the whole of it.
    pub(super) async fn connect(&self) -> Result<(Client, Connection<Socket, Stream>), Error> {
        let latest = self.latest().at;
        let begun = Instant::now();
        let others = (0..self.hosts.len()).filter(|at| *at != latest);
        for at in std::iter::once(latest).chain(others.clone()) {
            let is_last = at == others.clone().next_back().unwrap_or(latest);
            let Some(host) = self.hosts.get(at) else { continue };
            let connecting = host.connect(self.connector.clone());
            let connected = if is_last {
                connecting.await
            } else {
                let patience = host.get_connect_timeout().copied().unwrap_or(KNOCK);
                let Ok(connected) = timeout(patience, connecting).await else { continue };
                connected
            };
            match connected {
                Err(_) if !is_last => {}
                Err(error) => return Err(error),
                Ok(connected) => {
                    self.latest().found(at, begun);
                    return Ok(connected);
                }
            }
        }
        std::future::pending().await
    }

    /// Whether what began then went to a host that has been left since.
    pub(super) fn has_left(&self, began: Instant) -> bool {
        self.latest().since.is_some_and(|since| began < since)
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connect for Dial {
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        async move {
            let (client, connection) = Self::connect(self).await?;
            // What ends it, whoever uses it hears.
            Ok((client, tokio::spawn(connection.map(drop))))
        }
        .boxed()
    }
}

/// The same address with one of its hosts alone.
fn one_host(all: &Config, at: usize) -> Config {
    let mut one = Config::new();
    match all.get_hosts().get(at) {
        Some(Host::Tcp(name)) => one.host(name),
        Some(Host::Unix(path)) => one.host_path(path),
        None => &mut one,
    };
    all.get_hostaddrs().get(at).map(|address| one.hostaddr(*address));
    all.get_ports().get(at).or(all.get_ports().first()).map(|port| one.port(*port));
    all.get_user().map(|user| one.user(user));
    all.get_password().map(|password| one.password(password));
    all.get_dbname().map(|name| one.dbname(name));
    all.get_options().map(|options| one.options(options));
    all.get_application_name().map(|name| one.application_name(name));
    all.get_connect_timeout().map(|longest| one.connect_timeout(*longest));
    all.get_tcp_user_timeout().map(|longest| one.tcp_user_timeout(*longest));
    all.get_keepalives_interval().map(|interval| one.keepalives_interval(interval));
    all.get_keepalives_retries().map(|retries| one.keepalives_retries(retries));
    one.keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle())
        .ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .channel_binding(all.get_channel_binding())
        .load_balance_hosts(all.get_load_balance_hosts())
        .target_session_attrs(all.get_target_session_attrs());
    one
}

/// How long making a connection may take, over all hosts.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_dial_to_a_former_primary_does_not_undo_what_a_later_one_found() {
        let first = Instant::now();
        let [second, third] = [1, 2].map(|later| first + Duration::from_secs(later));
        let mut latest = Latest::default();
        latest.found(1, second);
        latest.found(0, first);
        assert_eq!((latest.at, latest.since), (1, Some(second)));
        latest.found(1, third);
        latest.found(0, second);
        assert_eq!((latest.at, latest.since), (1, Some(second)), "it was found again since");
        let fourth = third + Duration::from_secs(1);
        latest.found(0, fourth);
        assert_eq!((latest.at, latest.since), (0, Some(fourth)), "and it may come back");
    }

    #[test]
    fn each_host_is_called_with_all_that_the_address_says() {
        let whole = "postgres://u:p@a.example:1,b.example:2/d?application_name=n&connect_timeout=3\
            &keepalives_interval=4&keepalives_retries=5&channel_binding=require&options=-c%20x%3D1\
            &hostaddr=127.0.0.1,127.0.0.2&keepalives_idle=6&tcp_user_timeout=7&load_balance_hosts=random";
        let all = Address::parse(whole).unwrap().config();
        for (at, host, port, hostaddr) in
            [(0, "a.example", 1, "127.0.0.1"), (1, "b.example", 2, "127.0.0.2")]
        {
            let mut expected = Address::parse(
                &whole
                    .replace("a.example:1,b.example:2", &format!("{host}:{port}"))
                    .replace("127.0.0.1,127.0.0.2", hostaddr),
            );
            let expected = expected.as_mut().unwrap().config();
            assert_eq!(one_host(&all, at), expected);
        }
    }
}
