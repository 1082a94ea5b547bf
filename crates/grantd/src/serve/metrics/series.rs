//! Requests by route: how they ended and how long they took.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use http::StatusCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::{Registry, Unit},
};

use super::latency::Latency;

/// How a request ended, seen from its answer.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Ending {
    /// 1xx, 2xx.
    Ok,
    /// 3xx.
    Redirected,
    /// 4xx: the caller's fault.
    Refused,
    /// 5xx: ours.
    Failed,
}

impl Ending {
    const ALL: [Self; 4] = [Self::Ok, Self::Redirected, Self::Refused, Self::Failed];

    pub(in super::super) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            ..300 => Self::Ok,
            300..400 => Self::Redirected,
            400..500 => Self::Refused,
            500.. => Self::Failed,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Redirected => "redirected",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What is counted of one route.
#[derive(Debug)]
pub(in super::super) struct Series {
    /// One for each of [`Ending::ALL`], in its order.
    requests: [Counter; 4],
    duration: Latency,
}

impl Series {
    /// A request was answered after so long.
    pub(in super::super) fn answered(&self, ending: Ending, took: Duration) {
        self.requests[ending as usize].inc();
        self.duration.observe(took);
    }
}

/// What is counted of all routes.
#[derive(Debug)]
pub(super) struct Requests {
    counts: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Latency>,
    /// Found again by one look-up and without an allocation.
    routes: RwLock<HashMap<String, Arc<Series>>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

impl Requests {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (counts, durations) = (Family::default(), Family::default());
        let help = "Requests answered, by route and outcome";
        registry.register("requests", help, counts.clone());
        let help = "From the head of a request to its answer, by route";
        registry.register_with_unit("request_duration", help, Unit::Seconds, durations.clone());
        Self { counts, durations, routes: RwLock::default() }
    }

    /// The series of a route. Its name must be one of ours: each makes series of its own for good.
    pub(super) fn of(&self, route: &str) -> Arc<Series> {
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(route).cloned();
        known.unwrap_or_else(|| {
            let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(routes.entry(route.to_owned()).or_insert_with(|| self.add(route)))
        })
    }

    fn add(&self, route: &str) -> Arc<Series> {
        let requests = Ending::ALL.map(|ending| {
            let labels = RequestLabels { route: route.to_owned(), outcome: ending.name() };
            self.counts.get_or_create_owned(&labels)
        });
        let labels = RouteLabels { route: route.to_owned() };
        Arc::new(Series { requests, duration: self.durations.get_or_create_owned(&labels) })
    }
}
