//! `GET /metrics`: what the server does, in numbers. `docs/metrics.md` tells of each.

mod latency;
mod open;
mod scrape;
mod series;

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use grantd_core::Refusal;
use grantd_issuer::{Clock, Fault, Issuer, clock::SystemClock};
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::ConstGauge, info::Info},
    registry::{Registry, Unit},
};

use super::{
    contact::Contacts,
    routes::{Server, TOKEN, problem},
};

pub(super) use open::OpenGauge;
pub(super) use series::Ending;

use series::{Requests, Series};

/// The route of what no route matched: a path from outside is never a label.
const UNMATCHED: &str = "unmatched";
const PANIC: &str = "panic";
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

type ByName = Family<[(&'static str, &'static str); 1], Counter>;

/// All that is counted. Labels are names of our own: routes, refusals, faults; nothing of a caller.
pub(super) struct Metrics {
    registry: Registry,
    /// The issuer's path, which stands before routes that are there a second time.
    base: String,
    /// The token endpoint, found without a look-up: see decision 0007.
    pub(super) token: Arc<Series>,
    /// Open connections.
    pub(super) connections: OpenGauge,
    /// Open streams of the feed.
    pub(super) streams: OpenGauge,
    /// How it stands with the database.
    pub(super) contacts: Arc<Contacts>,
    /// Requests that were not served because there were too many.
    pub(super) shed: Counter,
    /// Connections for which there was no room.
    pub(super) turned_away: Counter,
    requests: Requests,
    /// One for each of [`Refusal::ALL`], in its order.
    refusals: Vec<Counter>,
    faults: ByName,
}

impl Metrics {
    /// Everything at zero. `base` is the issuer's path without a slash at its end.
    pub(super) fn new(issuer: Arc<Issuer>, base: &str) -> Self {
        let mut root = Registry::default();
        let start = ConstGauge::new(SystemClock.now().seconds());
        let help = "When the process started, in Unix time";
        root.register_with_unit("process_start_time", help, Unit::Seconds, start);
        let registry = root.sub_registry_with_prefix("grantd");
        registry.register(
            "build",
            "What is running",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );

        let requests = Requests::register(registry);
        let names = Refusal::ALL.iter().map(|refusal| refusal.name());
        let help = "Requests refused, by the name of the refusal";
        let (_, refusals) = by_name(registry, ("refusals", help), "refusal", names);
        let help = "Requests that failed by the server's own fault";
        let names = Fault::NAMES.into_iter().chain([PANIC]);
        let (faults, _) = by_name(registry, ("faults", help), "fault", names);
        let (connections, streams) = (OpenGauge::default(), OpenGauge::default());
        registry.register("connections", "Open connections", connections.gauge());
        registry.register("feed_streams", "Open streams of the revocation feed", streams.gauge());
        let (shed, turned_away) = (Counter::default(), Counter::default());
        let help = "Connections answered with 503 because too many were open";
        registry.register("connections_turned_away", help, turned_away.clone());
        registry.register("shed", "Requests answered with 503 because of overload", shed.clone());
        let contacts = Arc::new(Contacts::new());
        registry.register_collector(Box::new(scrape::Scrape::new(issuer, Arc::clone(&contacts))));
        Self {
            registry: root,
            base: base.to_owned(),
            token: requests.of(TOKEN),
            connections,
            streams,
            contacts,
            shed,
            turned_away,
            requests,
            refusals,
            faults,
        }
    }

    /// Whether a path costs no more than to say that it will not be served, or is how somebody looks
    /// whether the server is well.
    pub(super) fn is_cheap(&self, path: &str) -> bool {
        let path = path.strip_prefix(&self.base).unwrap_or(path);
        matches!(path, "/healthz" | "/readyz" | "/metrics") || path.starts_with("/.well-known/")
    }

    /// A request of a route was answered after so long.
    pub(super) fn answered(&self, route: Option<&MatchedPath>, ending: Ending, took: Duration) {
        let route = route.map_or(UNMATCHED, MatchedPath::as_str);
        let route =
            route.strip_prefix(&self.base).filter(|rest| rest.starts_with('/')).unwrap_or(route);
        self.requests.of(route).answered(ending, took);
    }

    /// A request was refused.
    pub(super) fn refused(&self, why: Refusal) {
        if let Some(counter) = self.refusals.get(why as usize) {
            counter.inc();
        }
    }

    /// A request failed by our own fault.
    pub(super) fn failed(&self, fault: &Fault) {
        self.faults.get_or_create(&[("fault", fault.name())]).inc();
    }

    /// A request made us panic.
    pub(super) fn panicked(&self) {
        self.faults.get_or_create(&[("fault", PANIC)]).inc();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Counters for these names, there from the start: a rate needs a zero to rise from.
fn by_name(
    registry: &mut Registry,
    (name, help): (&str, &str),
    label: &'static str,
    names: impl Iterator<Item = &'static str>,
) -> (ByName, Vec<Counter>) {
    let family = ByName::default();
    let counters = names.map(|name| family.get_or_create_owned(&[(label, name)])).collect();
    registry.register(name, help, family.clone());
    (family, counters)
}

/// Says on the answer which route gave it.
pub(super) async fn name_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

pub(super) async fn show(State(server): State<Server>, headers: HeaderMap) -> Response {
    if ["x-forwarded-for", "forwarded"].iter().any(|name| headers.contains_key(*name)) {
        // It came through a proxy, so perhaps from anybody.
        return problem(StatusCode::NOT_FOUND, "Metrics are told on this machine's network only.");
    }
    let mut body = String::new();
    if text::encode(&mut body, &server.metrics.registry).is_err() {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "The metrics could not be written.");
    }
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, OPEN_METRICS);
    response
}
