//! The layer that demands a permission of a route.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::{Layer, Service};

use crate::{Guard, GuardRefusal, Principal, admit::admit, respond::InsufficientScope};

/// Demands a permission; made by [`Guard::require`].
#[derive(Clone, Debug)]
pub struct RequireLayer {
    guard: Guard,
    demand: Arc<Demand>,
}

/// A service behind a [`RequireLayer`].
#[derive(Clone, Debug)]
pub struct Require<S> {
    inner: S,
    guard: Guard,
    demand: Arc<Demand>,
}

#[derive(Debug)]
struct Demand {
    permission: String,
    refused: InsufficientScope,
}

impl RequireLayer {
    pub(crate) fn new(guard: Guard, permission: &str) -> Self {
        let refused = InsufficientScope::new(permission);
        Self { guard, demand: Arc::new(Demand { permission: permission.to_owned(), refused }) }
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require { inner, guard: self.guard.clone(), demand: Arc::clone(&self.demand) }
    }
}

impl<S, B, R> Service<Request<B>> for Require<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    R: From<Bytes>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was polled ready is the one to call; its clone waits for the next request.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let (guard, demand) = (self.guard.clone(), Arc::clone(&self.demand));
        Box::pin(async move {
            let request = match verified(&guard, request).await {
                Ok(request) => request,
                Err(refusal) => {
                    tracing::info!(refusal = refusal.name(), "request refused");
                    return Ok(refusal.response());
                }
            };
            let principal = request.extensions().get::<Principal>();
            if principal.is_some_and(|principal| principal.can(&demand.permission)) {
                return inner.call(request).await;
            }
            tracing::info!(
                refusal = GuardRefusal::PermissionMissing.name(),
                permission = demand.permission,
                client_id = principal.map(Principal::client_id),
                "request refused"
            );
            Ok(demand.refused.response())
        })
    }
}

/// The request with a principal that this very guard verified. Without one, because `protect` was
/// forgotten or belongs to another issuer or audience, the token is verified here: fails closed.
async fn verified<B>(guard: &Guard, request: Request<B>) -> Result<Request<B>, GuardRefusal>
where
    B: Body<Data = Bytes> + From<Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if request.extensions().get::<Principal>().is_some_and(|principal| guard.verified(principal)) {
        return Ok(request);
    }
    admit(guard, request).await
}
