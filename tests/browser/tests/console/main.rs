//! The console in a real Chromium, against the real binary.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]

mod apis;
mod apps;
mod audit;
mod forms;
mod pages;
mod passkeys;
mod people;
mod rights;
mod sign_in;
mod without_scripts;

use grantd_browser_tests::{Browser, PASSWORD, Place, Running, Scripts};

/// A server with one operator, `maria`, some rights, and a resource server to ask.
struct House {
    place: Place,
    server: Running,
    resource_server: (String, String),
}

impl House {
    fn new() -> Self {
        Self::with(Place::serve)
    }

    /// The same at `localhost`, where passkeys are.
    fn with_a_name() -> Self {
        Self::with(Place::serve_with_a_name)
    }

    fn with(serve: impl FnOnce(&Place) -> Running) -> Self {
        let place = Place::new();
        place.grantd("permission create view_schools");
        place.grantd("permission create invoices.read");
        place.grantd("role create reader --permission invoices.read");
        let made = place.grantd("client create --name Schools --serves default");
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let resource_server = (text("client_id"), text("client_secret"));
        place.user("maria", PASSWORD, "--permission manage_system");
        place.user("guest", PASSWORD, "");
        let server = serve(&place);
        Self { place, server, resource_server }
    }

    /// A browser of which nobody knows anything yet.
    async fn browser(&self, scripts: Scripts) -> Browser {
        Browser::open(&self.server, scripts).await
    }

    /// A browser in which maria is signed in.
    async fn marias_browser(&self, scripts: Scripts) -> Browser {
        let browser = self.browser(scripts).await;
        browser.sign_in("maria", PASSWORD).await;
        browser.arrives_at("/developer").await;
        browser
    }

    /// A token of this app, by HTTP; nothing if it is refused.
    fn token(&self, id: &str, secret: &str) -> Option<String> {
        let answer =
            self.server.post("/oauth/token", (id, secret), "grant_type=client_credentials");
        answer.json["access_token"].as_str().map(str::to_owned)
    }

    fn is_alive(&self, token: &str) -> bool {
        self.server.is_alive(token, (&self.resource_server.0, &self.resource_server.1))
    }

    /// Waits for what the server writes every two seconds: who used which secret.
    async fn is_recorded(&self, id: &str) {
        for _ in 0..100 {
            let shown = self.place.grantd(&format!("client show {id}")).to_string();
            if shown.contains("\"last_used_at\":\"") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("no use of {id} was recorded");
    }
}
