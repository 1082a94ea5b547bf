//! Real apps that act for users: a page with oauth4webapi, a web program with Authlib, and the sample
//! API that both call, behind a guard.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, OnceLock},
};

use grantd_guard::{FeedCredentials, Guard};
use serde_json::json;

use crate::{
    place::Running,
    target,
    web_server::{Asked, Page, serve},
};

/// A client's id and secret.
pub type Credentials<'a> = (&'a str, &'a str);

/// The sample API: `GET /schools` for tokens with `view_schools`, from pages of everywhere; gives its
/// origin. `server` serves the API `default`.
pub async fn sample_api(grantd: &Running, server: Credentials<'_>) -> String {
    let credentials = FeedCredentials::basic(server.0, server.1);
    let guard = Guard::discover(grantd.base.as_str()).revocations(credentials).build().await;
    let guard = guard.unwrap();
    serve(move |asked| {
        let guard = guard.clone();
        async move { schools(&guard, asked).await }
    })
    .await
}

async fn schools(guard: &Guard, asked: Asked) -> Page {
    let open = "Access-Control-Allow-Origin: *\r\n\
                Access-Control-Allow-Headers: Authorization\r\n\
                Access-Control-Expose-Headers: WWW-Authenticate\r\n";
    if asked.method == "OPTIONS" {
        return Page::empty(&format!("204 No Content\r\n{}", open.trim_end()));
    }
    let (status, body) = match guard.verify(&asked.token.unwrap_or_default()).await {
        Ok(caller) if caller.can("view_schools") => {
            let schools = ["Hillside School", "Lakeview Academy"];
            ("200 OK", json!({ "schools": schools, "user": caller.user_id() }))
        }
        Ok(_) => ("403 Forbidden", json!({})),
        Err(_) => {
            ("401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"", json!({}))
        }
    };
    Page {
        head: format!("{status}\r\n{open}Content-Type: application/json\r\n"),
        body: body.to_string(),
    }
}

/// The app in a page. It has an address before it is registered anywhere.
pub struct PageApp {
    /// Where it is.
    pub origin: String,
    config: Arc<OnceLock<String>>,
}

impl PageApp {
    /// Its files, on a port of their own.
    pub async fn start() -> Self {
        let config = Arc::new(OnceLock::new());
        let told = Arc::clone(&config);
        let origin = serve(move |asked| {
            let page = file(&asked.path, &told);
            async move { page }
        })
        .await;
        Self { origin, config }
    }

    /// Tells it of grantd, of itself and of the API.
    pub fn tell(&self, grantd: &Running, client_id: &str, api: &str) {
        let config = json!({ "issuer": grantd.base, "client_id": client_id, "api": api });
        self.config.set(config.to_string()).unwrap();
    }
}

fn file(path: &str, config: &OnceLock<String>) -> Page {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("apps/page");
    let library = target().join("browser/node_modules/oauth4webapi/build/index.js");
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    match path {
        "/" | "/callback" => Page::of("text/html; charset=utf-8", read(&here.join("index.html"))),
        "/app.js" => Page::of("text/javascript", read(&here.join("app.js"))),
        "/oauth4webapi.js" => Page::of("text/javascript", read(&library)),
        "/config.json" => Page::of("application/json", config.get().cloned().unwrap_or_default()),
        _ => Page::empty("204 No Content"),
    }
}

/// The web program; it ends with this value.
pub struct WebApp {
    /// Where it is.
    pub origin: String,
    child: Child,
}

impl WebApp {
    /// Starts it as a client.
    pub fn start(grantd: &Running, client: Credentials<'_>, api: &str) -> Self {
        let mut python = Command::new(target().join("browser/python/bin/python"));
        python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("apps/web/app.py"));
        python.env("ISSUER", &grantd.base).env("API", api);
        python.env("CLIENT_ID", client.0).env("CLIENT_SECRET", client.1);
        python.env("PYTHONDONTWRITEBYTECODE", "1").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = python.spawn().expect("cargo xtask browser installs Flask and Authlib");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().expect("the web program says its port").unwrap();
        Self { origin: format!("http://127.0.0.1:{port}"), child }
    }
}

impl Drop for WebApp {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
