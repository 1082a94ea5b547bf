//! A revocation feed on this machine that can stop, start, forget and lie.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use grantd_guard::{Discovery, FeedCredentials, Guard, GuardBuilder};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};

use crate::{
    fake_issuer::{FakeIssuer, change},
    forge::{Forge, now},
};

/// What the server says, and what it was asked.
pub(crate) struct Script {
    pub(crate) issuer: String,
    /// Without gaps from 1 on; `None` was compacted away.
    pub(crate) entries: Vec<Option<Value>>,
    /// Cursors below it are too old.
    pub(crate) floor: usize,
    pub(crate) page_size: usize,
    pub(crate) status: StatusCode,
    pub(crate) has_stream: bool,
    pub(crate) heartbeat: Duration,
    /// Instead of what a stream should say: these bytes, over and over.
    pub(crate) garbage: Option<Vec<u8>>,
    pub(crate) resumed_from: Vec<String>,
    pub(crate) whole_lists: usize,
    pub(crate) pages: usize,
    pub(crate) streams: usize,
    pub(crate) requests: usize,
}

/// The script, and a bell that rings when it changes.
#[derive(Clone)]
struct Stage {
    script: Arc<Mutex<Script>>,
    bell: watch::Sender<()>,
}

/// The running feed, and the issuer whose it is.
pub(crate) struct FakeFeed {
    pub(crate) key: Forge,
    pub(crate) issuer: FakeIssuer,
    stage: Stage,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl FakeFeed {
    /// An issuer with an empty feed.
    pub(crate) async fn start() -> Self {
        let key = Forge::new("k");
        let issuer = FakeIssuer::start("", &[&key]).await;
        let script = Script {
            issuer: issuer.issuer.clone(),
            entries: Vec::new(),
            floor: 0,
            page_size: 2,
            status: StatusCode::OK,
            has_stream: true,
            heartbeat: Duration::from_millis(100),
            garbage: None,
            resumed_from: Vec::new(),
            whole_lists: 0,
            pages: 0,
            streams: 0,
            requests: 0,
        };
        let stage = Stage { script: Arc::new(Mutex::new(script)), bell: watch::Sender::new(()) };
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let mut feed = Self { key, issuer, stage, address: free, runtime: None };
        feed.up().await;
        let address = format!("http://{}/feed", feed.address);
        change(&feed.issuer.metadata, |document| {
            let mut metadata: Value = serde_json::from_str(&document.body).unwrap();
            metadata["revocation_feed_endpoint"] = address.into();
            document.body = metadata.to_string();
        });
        feed
    }

    /// Listens, with a runtime of its own, so that its end cuts every connection.
    pub(crate) async fn up(&mut self) {
        let runtime = Runtime::new().unwrap();
        let app = Router::new().route("/feed", get(answer)).with_state(self.stage.clone());
        let address = self.address;
        let serving = runtime.spawn(async move {
            loop {
                // Its predecessor may still be on its way out.
                match TcpListener::bind(address).await {
                    Ok(listener) => return listener,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        });
        let listener = serving.await.unwrap();
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        self.runtime = Some(runtime);
    }

    /// Gone, with all its connections, as after `kill -9`.
    pub(crate) fn down(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }

    /// A guard that follows it, yet to be built.
    pub(crate) fn guard(&self) -> GuardBuilder<Discovery> {
        self.issuer.guard().revocations(FeedCredentials::basic("api 1", "s:ecret"))
    }

    /// A guard that follows it.
    pub(crate) async fn built(&self) -> Guard {
        self.guard().build().await.unwrap()
    }

    /// Changes what it says from now on.
    pub(crate) fn change<T>(&self, how: impl FnOnce(&mut Script) -> T) -> T {
        let result = how(&mut self.stage.script.lock().unwrap());
        self.stage.bell.send_replace(());
        result
    }

    /// Revokes something for the next 10 minutes.
    pub(crate) fn revoke(&self, kind: &str, id: &str) {
        self.say(json!({ "kind": kind, "id": id, "until": now() + 600 }));
    }

    /// Raises the generation of a client or user.
    pub(crate) fn raise(&self, kind: &str, id: &str, generation: u64) {
        self.say(json!({ "kind": kind, "id": id, "generation": generation, "until": now() + 600 }));
    }

    /// Appends an entry as it stands.
    pub(crate) fn say(&self, entry: Value) {
        self.change(|script| script.entries.push(Some(entry)));
    }
}

impl Drop for FakeFeed {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn answer(State(stage): State<Stage>, asked: Uri, headers: HeaderMap) -> Response {
    let header = |name| headers.get(name).map_or("", |value| value.to_str().unwrap());
    // `api+1:s%3Aecret`: form-encoded before it is joined.
    assert_eq!(header("authorization"), "Basic YXBpKzE6cyUzQWVjcmV0");
    let wants_stream = header("accept") == "text/event-stream";
    let mut script = stage.script.lock().unwrap();
    script.requests += 1;
    if script.status != StatusCode::OK {
        return script.status.into_response();
    }
    let mut query = url::form_urlencoded::parse(asked.query().unwrap_or_default().as_bytes());
    let last = header("last-event-id").to_owned();
    let after = if wants_stream {
        Some(last.clone())
    } else {
        query.next().map(|(_, cursor)| cursor.into_owned())
    };
    let from = after.as_deref().map_or(0, |cursor| cursor[2..].parse().unwrap());
    if after.is_some() && from < script.floor {
        return StatusCode::GONE.into_response();
    }
    if !wants_stream {
        script.pages += 1;
        script.whole_lists += usize::from(after.is_none());
        return axum::Json(page(&script, from)).into_response();
    }
    if !script.has_stream {
        return StatusCode::NOT_ACCEPTABLE.into_response();
    }
    script.streams += 1;
    script.resumed_from.push(last);
    drop(script);
    let bell = stage.bell.subscribe();
    let parts = stream::unfold((stage, bell, from), |(stage, mut bell, at)| async move {
        let (part, at) = next(&stage, &mut bell, at).await;
        Some((Ok::<_, std::io::Error>(part), (stage, bell, at)))
    });
    ([("content-type", "text/event-stream; charset=utf-8")], Body::from_stream(parts))
        .into_response()
}

fn page(script: &Script, from: usize) -> Value {
    let known = script.entries.iter().enumerate().skip(from);
    let entries = known.filter_map(|(index, entry)| Some((index + 1, entry.clone()?)));
    let entries: Vec<_> = entries.take(script.page_size).collect();
    let cursor = entries.last().map_or(script.entries.len(), |(seq, _)| *seq);
    let entries: Vec<_> = entries.into_iter().map(|(_, entry)| entry).collect();
    json!({ "issuer": script.issuer, "cursor": format!("c.{cursor}"), "entries": entries })
}

/// The next event after this place, or a heartbeat.
async fn next(stage: &Stage, bell: &mut watch::Receiver<()>, at: usize) -> (Vec<u8>, usize) {
    tokio::time::sleep(Duration::from_micros(50)).await;
    loop {
        bell.mark_unchanged();
        let pause = {
            let script = stage.script.lock().unwrap();
            if let Some(garbage) = &script.garbage {
                return (garbage.clone(), at);
            }
            match script.entries.get(at) {
                Some(Some(entry)) => {
                    let id = at + 1;
                    let event = format!("id: c.{id}\nevent: revocation\ndata: {entry}\n\n");
                    return (event.into_bytes(), id);
                }
                Some(None) => return (b":\n\n".to_vec(), at + 1),
                None => script.heartbeat,
            }
        };
        if tokio::time::timeout(pause, bell.changed()).await.is_err() {
            return (b": heartbeat\n\n".to_vec(), at);
        }
    }
}

/// Waits until it is so, for 10 seconds at most.
pub(crate) async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect(what);
}
