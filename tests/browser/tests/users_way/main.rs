//! The user's way in a real Chromium: real apps send somebody to the real binary and get them back.

mod apps;
mod consent;

use grantd_browser_tests::{Browser, PASSWORD, Place, Running, Scripts};
use serde_json::Value;

/// A server with two users and a resource server to ask; apps are added before it starts.
struct House {
    place: Place,
    resource_server: (String, String),
}

impl House {
    fn new() -> Self {
        let place = Place::new();
        for (name, says) in [
            ("view_schools", "See the list of schools"),
            ("pupils.write", "Create and change pupils"),
        ] {
            place.words(&["permission", "create", name, "--description", says], "");
        }
        place.user("maria", PASSWORD, "--permission view_schools");
        place.user("otto", PASSWORD, "--permission view_schools --permission pupils.write");
        let made = place.grantd("client create --name Schools --serves default");
        let resource_server = (text(&made, "client_id"), text(&made, "client_secret"));
        Self { place, resource_server }
    }

    /// An app that acts for users: its id, and its secret if it is confidential.
    fn app(&self, name: &str, redirect_uri: &str, options: &str) -> (String, String) {
        let mut words = vec!["client", "create", "--name", name, "--redirect-uri", redirect_uri];
        words.extend(["--grant", "authorization_code", "--grant", "refresh_token"]);
        words.extend(["--permission", "view_schools", "--permission", "pupils.write"]);
        words.extend(options.split_ascii_whitespace());
        let made = self.place.words(&words, "");
        (text(&made, "client_id"), text(&made, "client_secret"))
    }

    fn resource_server(&self) -> (&str, &str) {
        (&self.resource_server.0, &self.resource_server.1)
    }
}

fn text(made: &Value, name: &str) -> String {
    made[name].as_str().unwrap_or_default().to_owned()
}

async fn open(server: &Running) -> Browser {
    Browser::open(server, Scripts::On).await
}

/// Fills the login page in, wherever it leads.
async fn sign_in(browser: &Browser, name: &str) {
    browser.fill("#name", name).await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
}
