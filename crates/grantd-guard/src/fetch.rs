//! Bounded HTTP requests: one answer of at most 256 KiB, in time, without redirects.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header::ACCEPT};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::crypto::aws_lc_rs;
use url::Url;

use crate::{BuildError, FetchError};

/// The longest answer, in bytes.
const MAX_LENGTH: usize = 256 * 1024;

/// An older connection is not used again: a busy grantd ends those that are idle for ten seconds,
/// and a request must not cross with that.
const MAX_IDLE: Duration = Duration::from_secs(5);

/// Fetches documents of the issuer.
#[derive(Debug)]
pub(crate) struct Fetch {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

impl Fetch {
    /// Trusts the web's certificate authorities; `timeout` is for one answer, from connecting to its
    /// last byte.
    ///
    /// Keeps no connection: fetches are minutes apart, longer than a server keeps an idle one.
    pub(crate) fn new(timeout: Duration) -> Result<Self, BuildError> {
        Self::with_idle_connections(timeout, 0)
    }

    /// The same, keeping so many idle connections for the next of many requests.
    pub(crate) fn kept_alive(timeout: Duration, idle: usize) -> Result<Self, BuildError> {
        Self::with_idle_connections(timeout, idle)
    }

    fn with_idle_connections(timeout: Duration, idle: usize) -> Result<Self, BuildError> {
        let connector = HttpsConnectorBuilder::new()
            // Named, so that a host with another default provider, or two of them, does no harm.
            .with_provider_and_webpki_roots(Arc::new(aws_lc_rs::default_provider()))
            .map_err(|error| BuildError::Tls(error.to_string()))?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(idle)
            .pool_idle_timeout(MAX_IDLE)
            .build(connector);
        Ok(Self { client, timeout })
    }

    /// The body of a 200.
    pub(crate) async fn fetch(&self, url: &Url) -> Result<Bytes, BuildError> {
        let answer = async {
            let mut request = get(url)?;
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
            self.answer(request).await
        };
        let answer = tokio::time::timeout(self.timeout, answer).await;
        answer
            .unwrap_or(Err(FetchError::TimedOut(self.timeout)))
            .map_err(|cause| BuildError::Fetch { url: url.to_string(), cause })
    }

    /// Anything, once its head is there; the timeout is for that.
    pub(crate) async fn open(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, FetchError> {
        let sent = tokio::time::timeout(self.timeout, self.client.request(request)).await;
        let response = sent.map_err(|_| FetchError::TimedOut(self.timeout))?;
        response.map_err(|error| FetchError::Connection(Box::new(error)))
    }

    /// How long one answer may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The body of a 200; the timeout is for its head alone, the caller's for the whole.
    pub(crate) async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Bytes, FetchError> {
        let response = self.open(request).await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), MAX_LENGTH)
            .collect()
            .await
            .map_err(FetchError::Body)?;
        Ok(body.to_bytes())
    }
}

/// An empty GET request.
pub(crate) fn get(url: &Url) -> Result<Request<Full<Bytes>>, FetchError> {
    let uri: Uri = url.as_str().parse().map_err(|error| FetchError::Connection(Box::new(error)))?;
    let mut request = Request::new(Full::default());
    *request.uri_mut() = uri;
    Ok(request)
}
