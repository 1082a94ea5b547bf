//! The issuer's side of the feed: pages and the stream, asked for over HTTP.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Request, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use url::Url;

use super::{FeedCredentials, FeedError, entry::Page};
use crate::{
    FetchError,
    fetch::{Fetch, get},
};

/// The longest page, in bytes.
const MAX_PAGE: usize = 4 * 1024 * 1024;

const EVENT_STREAM: &str = "text/event-stream";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where the feed is, and as whom to ask.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) fetch: Fetch,
    pub(crate) url: Url,
    pub(crate) credentials: FeedCredentials,
    pub(crate) issuer: String,
}

/// What the issuer says to the wish for a stream.
pub(super) enum Offer {
    Stream(Incoming),
    /// It has pages only.
    None,
}

impl Source {
    /// What follows the cursor, or the beginning of the whole list.
    pub(super) async fn page(&self, after: Option<&str>) -> Result<Page, FeedError> {
        let limit = self.fetch.timeout();
        let page = tokio::time::timeout(limit, self.read_page(after)).await;
        page.unwrap_or(Err(FetchError::TimedOut(limit).into()))
    }

    async fn read_page(&self, after: Option<&str>) -> Result<Page, FeedError> {
        let mut url = self.url.clone();
        if let Some(cursor) = after {
            url.query_pairs_mut().append_pair("after", cursor);
        }
        let response = self.fetch.open(self.request(&url, "application/json")?).await?;
        let body = good(response)?.into_body();
        let json = Limited::new(body, MAX_PAGE).collect().await.map_err(FeedError::BrokeOff)?;
        Page::parse(&json.to_bytes(), &self.issuer)
    }

    /// What happens after the cursor, as it happens.
    pub(super) async fn stream(&self, cursor: &str) -> Result<Offer, FeedError> {
        let mut request = self.request(&self.url, EVENT_STREAM)?;
        let last = HeaderValue::from_bytes(cursor.as_bytes());
        let last = last.map_err(|_| FeedError::Malformed("a cursor fits no header"))?;
        request.headers_mut().insert(LAST_EVENT_ID, last);
        let response = self.fetch.open(request).await?;
        if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::NOT_ACCEPTABLE) {
            return Ok(Offer::None);
        }
        let response = good(response)?;
        Ok(if is_event_stream(&response) {
            Offer::Stream(response.into_body())
        } else {
            Offer::None
        })
    }

    fn request(&self, url: &Url, accept: &'static str) -> Result<Request<Full<Bytes>>, FeedError> {
        let mut request = get(url)?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(AUTHORIZATION, self.credentials.authorization());
        Ok(request)
    }
}

/// A 200, or what another status means.
fn good(response: Response<Incoming>) -> Result<Response<Incoming>, FeedError> {
    match response.status() {
        StatusCode::OK => Ok(response),
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            Err(FeedError::Refused(status))
        }
        StatusCode::GONE => Err(FeedError::Gone),
        status => Err(FetchError::Status(status).into()),
    }
}

fn is_event_stream(response: &Response<Incoming>) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let essence = content_type.unwrap_or_default().split(|byte| *byte == b';').next();
    essence.unwrap_or_default().trim_ascii().eq_ignore_ascii_case(EVENT_STREAM.as_bytes())
}
