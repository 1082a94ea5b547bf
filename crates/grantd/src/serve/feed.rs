//! `GET /oauth/revocations`: the revocation feed, as pages or as a stream of events.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    response::Response,
};
use futures_util::{StreamExt, stream};
use grantd_core::{Authorization, Raw};
use grantd_issuer::{
    Issuer,
    feed::{Cursor, FeedPage, FeedReader},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_TYPE},
};
use tokio::sync::watch;

use super::routes::{Server, origin, problem};

/// How often a quiet stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Marks an answer that goes on: its connection is busy until it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streaming;

pub(super) async fn revocations(State(server): State<Server>, request: Request) -> Response {
    let headers = request.headers();
    let values = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    let raw = Raw {
        authorization: Authorization::from_values(values),
        content_type: None,
        body: b"",
        from: origin(&request),
    };
    let reader = match server.issuer.admit_to_feed(&raw).await {
        Ok(reader) => reader,
        Err(error) => return Issuer::failure(error).map(Body::from),
    };
    let Ok(after) = place(&request) else {
        return problem(
            StatusCode::GONE,
            "This cursor is not of this feed: start over without one.",
        );
    };
    match server.issuer.feed_page(&*server.storage, after).await {
        Err(fault) => Issuer::failure(fault.into()).map(Body::from),
        Ok(None) => {
            problem(StatusCode::GONE, "This cursor is not of this feed: start over without one.")
        }
        Ok(Some(page)) if wants_events(headers) => stream_from(server, reader, page),
        Ok(Some(page)) => {
            answer("application/json", Body::from(serde_json::to_vec(&page).unwrap_or_default()))
        }
    }
}

/// Where to go on: `after` of the query, or `Last-Event-ID` of a stream that was cut.
fn place(request: &Request) -> Result<Option<Cursor>, ()> {
    let query = request.uri().query().unwrap_or_default();
    let named = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "after");
    let header = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    match named.map(|(_, value)| value.into_owned()).or(header.map(ToOwned::to_owned)) {
        None => Ok(None),
        Some(text) => Cursor::parse(&text).map(Some).ok_or(()),
    }
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.to_ascii_lowercase().contains("text/event-stream")
}

/// The rest of the list and then every change as it comes, until the server stops or the reader may
/// read no more: that ends the stream before another event, and a quiet one at the next heartbeat.
fn stream_from(server: Server, reader: FeedReader, page: FeedPage) -> Response {
    let revisions = server.revisions.clone();
    let open = server.metrics.streams.open();
    let state = (server, reader, revisions, Some(page), None);
    let events =
        stream::unfold(state, |(server, reader, mut revisions, page, cursor)| async move {
            if let Some(page) = page {
                let (text, cursor) = (events(&page), Cursor::parse(&page.cursor));
                return Some((
                    Ok::<_, Infallible>(text),
                    (server, reader, revisions, None, cursor),
                ));
            }
            let more = next_page(&server, &mut revisions, cursor).await?;
            // A fault ends it as well: nobody is let on unlooked.
            if !server.issuer.still_admits(&reader).await.unwrap_or(false) {
                return None;
            }
            let (text, cursor) = match more {
                Some(page) => (events(&page), Cursor::parse(&page.cursor)),
                // Who cannot see the log does not know that nothing was revoked: another node may have.
                None if server.issuer.unseen_for() > HEARTBEAT => return None,
                None => (Bytes::from_static(b": alive\n\n"), cursor),
            };
            Some((Ok(text), (server, reader, revisions, None, cursor)))
        });
    let mut response =
        answer("text/event-stream", Body::from_stream(events.inspect(move |_| _ = &open)));
    response.extensions_mut().insert(Streaming);
    // Its end is the connection's: an idle one would be taken for a stream that is still quiet.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The next page with news; inside `None`: it is time for a heartbeat; outside: the stream ends.
async fn next_page(
    server: &Server,
    revisions: &mut watch::Receiver<u64>,
    cursor: Option<Cursor>,
) -> Option<Option<FeedPage>> {
    let changed = tokio::time::timeout(HEARTBEAT, async {
        let seen = cursor.map_or(0, |cursor| cursor.seq);
        revisions.wait_for(|revision| *revision > seen).await.is_ok()
    });
    match changed.await {
        Err(_) => Some(None),
        Ok(false) => None,
        // A fault ends the stream: the reader comes back with its cursor.
        Ok(true) => {
            server.issuer.feed_page(&*server.storage, cursor).await.ok().flatten().map(Some)
        }
    }
}

/// Entries as events; a page without any still moves the reader's cursor.
fn events(page: &FeedPage) -> Bytes {
    let epoch = page.cursor.split('.').next().unwrap_or_default();
    let mut text = String::from(": alive\n\n");
    for entry in &page.entries {
        let data = serde_json::to_string(entry).unwrap_or_default();
        let id = entry.seq.to_string();
        text.extend(["id: ", epoch, ".", &id, "\nevent: revocation\ndata: ", &data, "\n\n"]);
    }
    Bytes::from(text)
}

fn answer(content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
