//! A grantd as it may look after a busy month, for pictures and for pages with something on them.

use rusqlite::{Connection, params};

use crate::{Browser, Place, Running};

/// The password of every account here.
pub const PASSWORD: &str = "correct horse battery staple";

/// An operator `maria` who may do everything, a `guest` who may not enter, and a dozen apps.
#[derive(Debug)]
pub struct Example {
    /// Where it lives.
    pub place: Place,
    /// The running server.
    pub server: Running,
    /// The app with the most to show.
    pub app: String,
    /// An app that is revoked, and one that is deleted.
    pub ended: [String; 2],
    /// An app that acts for people on their own devices, and one with a server.
    acting: [String; 2],
}

/// Name, description, owner, further options.
const APPS: [(&str, &str, &str, &str); 10] = [
    (
        "Nightly export",
        "Sends invoices to the accounting system, ask Petra",
        "tenant:42",
        "--role accounting --permission view_schools",
    ),
    (
        "School directory",
        "Public list of schools for partner portals",
        "tenant:42",
        "--permission view_schools",
    ),
    ("Billing API", "Checks the tokens of its callers", "team:billing", "--serves billing"),
    (
        "Report builder",
        "Monthly reports for the head office",
        "team:reports",
        "--role reader --format opaque",
    ),
    (
        "Mobile app",
        "Teachers sign in with it",
        "team:mobile",
        "--public --grant authorization_code --redirect-uri com.example.schools:/callback --permission view_schools",
    ),
    (
        "Partner portal",
        "Acts for people at our partners",
        "partner:northwind",
        "--grant authorization_code --grant refresh_token --redirect-uri https://portal.northwind.example/callback --permission view_schools --permission pupils.write --permission contacts.write",
    ),
    (
        "Import of pupils from the old administration system (Southern Region)",
        "Runs until the old system is switched off",
        "tenant:7",
        "--role accounting --role reader --permission pupils.write --permission view_schools",
    ),
    ("Status page", "", "", ""),
    ("Old importer", "Replaced by the import of pupils", "tenant:7", "--permission pupils.write"),
    ("Trial of last spring", "", "tenant:11", "--permission view_schools"),
];

impl Example {
    /// Makes it and starts it.
    pub fn start() -> Self {
        let place = Place::new();
        describe_rights(&place);
        let apps: Vec<String> = APPS.iter().map(|app| create(&place, app)).collect();
        place.user(
            "maria",
            PASSWORD,
            "--permission manage_system --permission view_schools --permission contacts.write",
        );
        place.user("guest", PASSWORD, "");
        place.grantd(&format!("client rotate {} --overlap 7d", apps[0]));
        place.grantd(&format!("client revoke {}", apps[8]));
        place.grantd(&format!("client delete {}", apps[9]));
        let [app, .., revoked, deleted] = &apps[..] else { unreachable!() };
        let (app, ended) = (app.clone(), [revoked.clone(), deleted.clone()]);
        live_a_month(&place, &apps);
        own_passkeys(&place);
        let server = place.serve_with_a_name();
        let acting = [apps[4].clone(), apps[5].clone()];
        Self { place, server, app, ended, acting }
    }

    /// Every page that somebody who is signed in may see: a name for its picture, and its path.
    pub async fn pages(&self, browser: &Browser) -> Vec<(String, String)> {
        let mut pages: Vec<(String, String)> = [
            ("start", "/developer"),
            ("apps", "/developer/apps"),
            ("apps-none", "/developer/apps?search=nowhere"),
            ("app-new", "/developer/apps/new"),
            ("roles", "/developer/roles"),
            ("apis", "/developer/apis"),
            ("users", "/developer/users"),
            ("keys", "/developer/keys"),
            ("audit", "/developer/audit"),
            ("docs", "/developer/docs"),
            ("account-profile", "/account"),
            ("account-apps", "/account/apps"),
            ("account", "/account/sessions"),
            ("account-password", "/account/password"),
            ("account-passkeys", "/account/passkeys"),
            ("not-found", "/developer/apps/nobody"),
        ]
        .map(|(name, path)| (name.to_owned(), path.to_owned()))
        .into();
        for tab in ["", "edit", "permissions", "secrets", "activity", "danger"] {
            let dash = if tab.is_empty() { "overview" } else { tab };
            let path = format!("/developer/apps/{}/{tab}", self.app);
            pages.push((format!("app-{dash}"), path.trim_end_matches('/').to_owned()));
        }
        pages.extend(self.questions());
        for (name, id) in ["revoked", "deleted"].iter().zip(&self.ended) {
            pages.push((format!("app-{name}"), format!("/developer/apps/{id}/danger")));
        }
        for (from, page) in
            [("role", "roles"), ("permission", "permissions"), ("api", "apis"), ("user", "users")]
        {
            let list = if from == "permission" { "roles" } else { page };
            let below = format!("/developer/{page}");
            for path in browser.links_below(&format!("/developer/{list}"), &below).await {
                let kind = path.trim_start_matches(&below).trim_start_matches('/');
                // What is no word is an id.
                let kind = kind.split('?').next().filter(|kind| kind.len() < 12).unwrap_or("one");
                pages.push((format!("{from}-{kind}"), path.clone()));
            }
        }
        pages
    }
}

impl Example {
    /// What people see whom an app has sent.
    fn questions(&self) -> Vec<(String, String)> {
        let [mobile, portal] = &self.acting;
        let home = "https%3A%2F%2Fportal.northwind.example%2Fcallback";
        [
            ("consent", portal.as_str(), home, "view_schools+contacts.write+pupils.write"),
            ("consent-public", mobile, "com.example.schools%3A%2Fcallback", "view_schools"),
            ("consent-no-app", "nobody", home, "view_schools"),
            ("consent-elsewhere", portal, "https%3A%2F%2Fevil.example%2F", "view_schools"),
        ]
        .map(|(name, id, uri, scope)| {
            let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
            let path = format!(
                "/oauth/authorize?response_type=code&client_id={id}&redirect_uri={uri}&scope={scope}\
                 &code_challenge={challenge}&code_challenge_method=S256"
            );
            (name.to_owned(), path)
        })
        .into()
    }
}

fn describe_rights(place: &Place) {
    place.grantd("api create billing --audience https://billing.example --access-token-ttl 15m");
    for (name, api, says) in [
        ("view_schools", "default", "See the list of schools"),
        ("pupils.write", "default", "Create and change pupils"),
        ("contacts.write", "default", ""),
        ("invoices.read", "billing", "Read invoices"),
        ("invoices.write", "billing", "Write and cancel invoices"),
    ] {
        place.words(&["permission", "create", name, "--api", api, "--description", says], "");
    }
    place.grantd("role create accounting --permission invoices.read --permission invoices.write");
    place.grantd("role create reader --permission invoices.read --permission view_schools");
}

fn create(place: &Place, (name, description, owner, options): &(&str, &str, &str, &str)) -> String {
    let mut words = vec!["client", "create", "--name", name, "--description", description];
    if !owner.is_empty() {
        words.extend(["--owner", owner]);
    }
    words.extend(options.split_ascii_whitespace());
    place.words(&words, "")["client_id"].as_str().unwrap().to_owned()
}

/// Gives maria two passkeys and the guest one, which no device has.
fn own_passkeys(place: &Place) {
    let database = Connection::open(place.path().join("grantd.db")).unwrap();
    for (number, user, name, used) in [
        (1, "maria", "My phone", Some(3_600)),
        (2, "maria", "Blue security key", None),
        (3, "guest", "Tablet", None),
    ] {
        let add = "INSERT INTO passkeys
                   SELECT ?1, id, ?2, randomblob(32), '{}', (unixepoch() - 864000) * 1000000,
                          (unixepoch() - ?3) * 1000000 FROM users WHERE name = ?4";
        let id = format!("01900000-0000-7000-8000-00000000000{number}");
        database.execute(add, params![id, name, used, user]).unwrap();
    }
}

/// Writes a month of counts, and ages the secrets.
fn live_a_month(place: &Place, apps: &[String]) {
    let database = Connection::open(place.path().join("grantd.db")).unwrap();
    let now: i64 = database.query_row("SELECT unixepoch()", [], |row| row.get(0)).unwrap();
    let now_hour = now - now % 3600;
    // The database counts microseconds.
    let micros = |seconds: i64| seconds * 1_000_000;
    let add = |app: &str, hour: i64, outcome: &str, count: i64| {
        let usage = "INSERT INTO usage VALUES (?1, ?2, ?3, ?4, ?5, '203.0.113.9')";
        let last = (hour + 1800).min(now);
        database.execute(usage, params![app, micros(hour), outcome, count, micros(last)]).unwrap();
        let total = "INSERT INTO usage_totals VALUES (?1, ?2, ?3) \
                     ON CONFLICT (hour, outcome) DO UPDATE SET count = count + excluded.count";
        database.execute(total, params![micros(hour), outcome, count]).unwrap();
    };
    database.execute_batch("BEGIN").unwrap();
    for (at, app) in apps.iter().enumerate().take(8) {
        let at = i64::try_from(at).unwrap();
        for back in (0..30 * 24).filter(|back| (back * 7 + at) % (at + 1) == 0) {
            let hour = now_hour - back * 3600;
            // More by day than by night, and never twice the same.
            let by_day = 12 - (hour / 3600 % 24 - 12).abs();
            // The first of January 1970 was a Thursday.
            let weekend = if (hour / 86400 + 3) % 7 > 4 { 3 } else { 1 };
            add(app, hour, "issued", (3 + by_day * 4 + (back * 37 + at * 11) % 17) / weekend);
            if (back + at * 5) % 61 == 0 {
                add(app, hour, "client-secret-wrong", 2 + back % 9);
            }
            if (back + at * 3) % 97 == 0 {
                add(app, hour, "scope-not-allowed", 1 + back % 4);
            }
        }
    }
    // Of two secrets the older was made four months ago; it was used since the newer one was.
    database
        .execute(
            "UPDATE credentials SET created_at = created_at - CASE WHEN expires_at IS NULL THEN 86400 * 3 * ?1 \
             ELSE 86400 * 120 * ?1 END, last_used_at = ?2 - 240 * ?1, last_used_from = '203.0.113.9'",
            params![micros(1), micros(now)],
        )
        .unwrap();
    database
        .execute("UPDATE clients SET created_at = created_at - 86400 * 120 * ?1", [micros(1)])
        .unwrap();
    database.execute_batch("COMMIT").unwrap();
}
