//! A database with something in every table, and what must be true of it wherever it is.

use serde_json::Value;

use super::{
    acting::Scene,
    app::{App, Tokens},
    authenticator::Authenticator,
    dead_tokens::{active, post},
    passkeys::ada_with,
    server::{Client, PASSWORD, Place, Running, basic},
    tokens::{ask, claims_of, token},
    visitor::Visitor,
    wire::{self, Answer, request},
};

/// Every start has another port, and tokens outlive them.
pub(crate) const ISSUER: &str = "https://auth.example";

/// A folder with such a database, on which no server runs.
pub(crate) struct Furnished {
    pub(crate) place: Place,
    pub(crate) server: Client,
    pub(crate) web: App,
    /// With two secrets that hold.
    machine: Client,
    old_secret: Client,
    revoked: Client,
    pub(crate) living: String,
    dead: String,
    pub(crate) cursor: String,
    pub(crate) refresh: String,
    pub(crate) cookie: Option<String>,
    device: Authenticator,
}

impl Furnished {
    pub(crate) fn new() -> Self {
        let scene = Scene::open(&format!("--issuer {ISSUER}"));
        scene.place.grantd("api create billing --audience https://billing.example --format opaque");
        scene.place.grantd("permission create bills.read --api billing");
        scene.place.grantd("permission create manage_system");
        let client =
            |options: &str| scene.place.client(&format!("--permission schools.read {options}"));
        let old_secret =
            client("--role clerk --signing-alg ES256 --owner tenant:42 --serves billing");
        let rotate = format!("client rotate {} --overlap 1h", old_secret.id);
        let secret = scene.place.grantd(&rotate)["client_secret"].as_str().unwrap().to_owned();
        let machine = Client { id: old_secret.id.clone(), secret };
        let (revoked, deleted) = (client("--format opaque"), client(""));
        let mut device = Authenticator::at(ISSUER, 1);
        let mut ada = ada_with(&scene.running, &mut device);
        let tokens = scene.tokens(&scene.web, &mut ada, "schools.read");
        let (living, dead) =
            (token(&scene.running, &machine, ""), token(&scene.running, &revoked, ""));
        let single = token(&scene.running, &machine, "");
        assert_eq!(
            post(&scene.running, "/oauth/revoke", &machine, &format!("token={single}")).status,
            200
        );
        scene.place.grantd(&format!("client revoke {}", revoked.id));
        scene.place.grantd(&format!("client delete {}", deleted.id));
        ask(&scene.running, &deleted, "");
        let cursor =
            feed(&scene.running, &scene.server, None).json()["cursor"].as_str().unwrap().to_owned();
        let Scene { place, mut running, web, server, .. } = scene;
        running.terminate();
        let (refresh, cookie) = (tokens.refresh, ada.cookie);
        Self {
            place,
            server,
            web,
            machine,
            old_secret,
            revoked,
            living,
            dead,
            cursor,
            refresh,
            cookie,
            device,
        }
    }

    /// What every way into the database must find as it was.
    pub(crate) fn assert_works_on(&self, running: &Running) {
        for client in [&self.machine, &self.old_secret] {
            token(running, client, "");
        }
        assert_eq!(ask(running, &self.revoked, "").status, 401);
        assert!(!active(running, &self.server, &self.dead));
        let mut ada = Visitor::new(running);
        assert_eq!(ada.sign_in("ada", "not the password").status, 422);
        assert_eq!(ada.sign_in("ada", PASSWORD).status, 303);
        // Numbers go on behind those that are there.
        let made = self.place.client("--permission schools.read");
        assert_eq!(ask(running, &made, "").status, 200);
        self.place.grantd("audit verify");
    }

    /// The passkey of who made one.
    pub(crate) fn assert_passkey_works_on(&mut self, running: &Running) {
        assert_eq!(Visitor::new(running).enter(&mut self.device).status, 200);
    }

    /// A token that says what its client may by a role.
    pub(crate) fn assert_role_works_on(&self, running: &Running) {
        let scope = claims_of(&token(running, &self.machine, ""))["scope"].to_string();
        assert!(scope.contains("invoices.read"), "{scope}");
    }

    /// What nothing ended lives on: a token, a session, a refresh token.
    pub(crate) fn assert_goes_on_at(&mut self, running: &Running) {
        assert!(active(running, &self.server, &self.living));
        let mut ada = Visitor::new(running);
        ada.cookie.clone_from(&self.cookie);
        assert!(ada.is_in());
        let answer = self.web.refresh(running.address, &self.refresh);
        self.refresh = Tokens::of(&answer).refresh;
    }

    /// What a restored backup must not bring back.
    pub(crate) fn assert_is_over_at(&self, running: &Running) {
        assert!(!active(running, &self.server, &self.living));
        let mut ada = Visitor::new(running);
        ada.cookie.clone_from(&self.cookie);
        assert!(!ada.is_in());
        assert_eq!(self.web.refresh(running.address, &self.refresh).status, 400);
    }

    /// The kinds and ids in the feed behind the cursor from before, if the feed knows it.
    pub(crate) fn news(&self, running: &Running) -> Option<Vec<(String, String)>> {
        let answer = feed(running, &self.server, Some(&self.cursor));
        if answer.status == 410 {
            return None;
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let page = answer.json();
        let entries = page["entries"].as_array().unwrap().iter();
        Some(entries.map(|entry| (text(&entry["kind"]), text(&entry["id"]))).collect())
    }

    /// The first page of the whole feed.
    pub(crate) fn whole_feed(&self, running: &Running) -> String {
        feed(running, &self.server, None).text()
    }

    /// Revokes a client, and gives its id.
    pub(crate) fn revoke_one(&self) -> String {
        let client = self.place.client("--permission schools.read");
        self.place.grantd(&format!("client revoke {}", client.id));
        client.id
    }
}

fn feed(running: &Running, server: &Client, after: Option<&str>) -> Answer {
    let path = after.map_or(String::new(), |after| format!("?after={after}"));
    let headers = [("Authorization", &*basic(server))];
    let sent = request("GET", &format!("/oauth/revocations{path}"), &headers, b"");
    wire::send(running.address, &sent).unwrap()
}
