//! A server of a test's own, with people and with apps that act for them.

use super::{
    app::{App, Tokens},
    dead_tokens::active,
    server::{Client, PASSWORD, Place, Running},
    visitor::Visitor,
};

/// A server; Ada and Bob, who may all that the apps may; an app with a secret and one without; and a
/// resource server.
pub(crate) struct Scene {
    pub(crate) place: Place,
    pub(crate) running: Running,
    pub(crate) web: App,
    pub(crate) spa: App,
    pub(crate) server: Client,
}

/// What the apps may, and the users: the last by a role.
pub(crate) const RIGHTS: [&str; 3] = ["invoices.read", "schools.read", "schools.write"];

impl Scene {
    /// With these options of `serve`, behind those that every scene has.
    pub(crate) fn open(options: &str) -> Self {
        let place = Place::new();
        for name in RIGHTS {
            place.grantd(&format!("permission create {name}"));
        }
        place.grantd("role create clerk --permission invoices.read");
        let own = "--permission schools.read --permission schools.write";
        for name in ["ada", "bob"] {
            place.user(name, PASSWORD, &format!("{own} --role clerk"));
        }
        let acting = "--grant authorization_code --grant refresh_token --signing-alg ES256";
        let client = |options: &str| {
            place.client(&format!("{own} --permission invoices.read {acting} {options}"))
        };
        let web =
            App::new(&client("--redirect-uri https://app.example/cb"), "https://app.example/cb");
        let spa = client("--public --redirect-uri https://spa.example/cb");
        let spa = App::new(&spa, "https://spa.example/cb");
        let server = place.client("--serves default");
        let running = place.serve(options);
        Self { place, running, web, spa, server }
    }

    /// A browser in which this user is signed in.
    pub(crate) fn browser(&self, user: &str) -> Visitor {
        let mut browser = Visitor::new(&self.running);
        assert_eq!(browser.sign_in(user, PASSWORD).status, 303);
        browser
    }

    /// The tokens of a new approval of this browser's user.
    pub(crate) fn tokens(&self, app: &App, browser: &mut Visitor, scope: &str) -> Tokens {
        app.tokens(self.running.address, browser, scope)
    }

    /// Whether introspection knows the token as a living one.
    pub(crate) fn lives(&self, token: &str) -> bool {
        active(&self.running, &self.server, token)
    }
}
