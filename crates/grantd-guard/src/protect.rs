//! The layer that lets only requests with a good token through.

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::{Layer, Service};

use crate::{Guard, admit::admit};

/// Verifies the token of every request; made by [`Guard::protect`].
#[derive(Clone, Debug)]
pub struct ProtectLayer {
    guard: Guard,
}

/// A service behind a [`ProtectLayer`].
#[derive(Clone, Debug)]
pub struct Protect<S> {
    inner: S,
    guard: Guard,
}

impl ProtectLayer {
    pub(crate) fn new(guard: Guard) -> Self {
        Self { guard }
    }
}

impl<S> Layer<S> for ProtectLayer {
    type Service = Protect<S>;

    fn layer(&self, inner: S) -> Protect<S> {
        Protect { inner, guard: self.guard.clone() }
    }
}

impl<S, B, R> Service<Request<B>> for Protect<S>
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
        let guard = self.guard.clone();
        Box::pin(async move {
            match admit(&guard, request).await {
                Ok(request) => inner.call(request).await,
                Err(refusal) => {
                    tracing::info!(refusal = refusal.name(), "request refused");
                    Ok(refusal.response())
                }
            }
        })
    }
}
