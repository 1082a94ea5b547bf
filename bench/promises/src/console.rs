//! What the pages of the console cost the server's processor when there is much to show.

use anyhow::{Context, Result, ensure};
use tokio::time::Instant;

use crate::{
    http::{Connection, console_request, login_request},
    measured::{Dice, Verdict},
    server::{Place, Server},
    town::{PASSWORD, Town},
};

/// How often each page is asked for, at places without order.
const TIMES: u32 = 100;
/// Asked before, uncounted: statements are prepared, and files are in memory.
const WARM: u32 = 5;
/// The promise, in milliseconds of processor time.
const LIMIT: f64 = 20.0;

/// Each page, and its path; what stands in braces is another one each time.
const PAGES: [(&str, &str); 64] = [
    ("login", "/login"),
    ("start", "/developer"),
    ("apps", "/developer/apps"),
    ("apps, deep", "/developer/apps?after={client}"),
    ("apps, owner=TYPE, deep", "/developer/apps?owner=merchant&after={client}"),
    ("apps, owner=TYPE:ID", "/developer/apps?owner=merchant:{owner}"),
    ("apps, owner=TYPE (nobody's)", "/developer/apps?owner=nobody"),
    ("apps, owner=TYPE:ID (nobody's)", "/developer/apps?owner=merchant:none"),
    ("apps, state=active, deep", "/developer/apps?state=active&after={client}"),
    ("apps, state=revoked", "/developer/apps?state=revoked"),
    ("apps, state=revoked, deep", "/developer/apps?state=revoked&after={client}"),
    ("apps, state=deleted (none)", "/developer/apps?state=deleted"),
    ("apps, search: one of five, deep", "/developer/apps?search=timetables&after={client}"),
    ("apps, search: one by name", "/developer/apps?search=%20{number}"),
    ("apps, search: one by id", "/developer/apps?search={client}"),
    ("apps, search: nobody", "/developer/apps?search=nowhere"),
    ("apps, search: nobody, non-ASCII", "/developer/apps?search=%C3%BCberall"),
    ("apps, search: one letter that none has", "/developer/apps?search=z"),
    ("apps, search: a text like all, but none", "/developer/apps?search=e%20e"),
    ("apps, search and state, nobody", "/developer/apps?search=nowhere&state=active"),
    ("apps, search and owner=TYPE, nobody", "/developer/apps?search=nowhere&owner=school"),
    ("apps, search and state=revoked", "/developer/apps?search=reports&state=revoked"),
    (
        "apps, all three, deep",
        "/developer/apps?owner=school&state=active&search=reports&after={client}",
    ),
    ("app, new", "/developer/apps/new"),
    ("app, overview (a busy one)", "/developer/apps/{first}"),
    ("app, overview", "/developer/apps/{client}"),
    ("app, edit", "/developer/apps/{client}/edit"),
    ("app, permissions", "/developer/apps/{first}/permissions"),
    (
        "app, permissions, preview",
        "/developer/apps/{first}/permissions/preview?role=role7&permission=area1.right1",
    ),
    ("app, secrets", "/developer/apps/{client}/secrets"),
    ("app, activity (a busy one)", "/developer/apps/{first}/activity"),
    ("app, activity", "/developer/apps/{client}/activity"),
    ("app, danger zone", "/developer/apps/{client}/danger"),
    ("app, not found", "/developer/apps/nobody"),
    ("roles and permissions", "/developer/roles"),
    ("role, new", "/developer/roles/new"),
    ("role, edit", "/developer/roles/edit?name=role7"),
    ("role, delete", "/developer/roles/delete?name=accountant"),
    ("permission, new", "/developer/permissions/new"),
    ("permission, edit", "/developer/permissions/edit?name=view_schools"),
    ("permission, delete", "/developer/permissions/delete?name=view_schools"),
    ("APIs", "/developer/apis"),
    ("API, new", "/developer/apis/new"),
    ("API, edit", "/developer/apis/edit?name=default"),
    ("users", "/developer/users"),
    ("users, deep", "/developer/users?after={user}"),
    ("users, search: nobody", "/developer/users?search=nowhere"),
    ("users, state=disabled (none)", "/developer/users?state=disabled"),
    ("user, new", "/developer/users/new"),
    ("user", "/developer/users/{user}"),
    ("keys", "/developer/keys"),
    ("audit log", "/developer/audit"),
    ("audit log, deep", "/developer/audit?after={change}"),
    ("audit log, of one app", "/developer/audit?object=client:{client}"),
    ("audit log, by one who did all, deep", "/developer/audit?actor=grantd:bench&after={change}"),
    ("audit log, by nobody", "/developer/audit?actor=cli:nobody"),
    (
        "audit log, action=client.create, deep",
        "/developer/audit?action=client.create&after={change}",
    ),
    (
        "audit log, action=client.revoke, deep",
        "/developer/audit?action=client.revoke&after={change}",
    ),
    ("audit log, an action that nobody did", "/developer/audit?action=client.nothing"),
    (
        "audit log, actor and a rare action",
        "/developer/audit?actor=grantd:bench&action=role.create",
    ),
    ("audit log, actor and no action", "/developer/audit?actor=grantd:bench&action=client.nothing"),
    ("account, sessions", "/account/sessions"),
    ("account, password", "/account/password"),
    ("docs", "/developer/docs"),
];

/// Files, and how many pages of 500 changes each has; none: as many as the log.
const EXPORTS: [(&str, &str, Option<f64>); 4] = [
    ("audit export, CSV, each 500 changes", "format=csv", None),
    ("audit export, JSON, each 500 changes", "format=json", None),
    ("audit export, of one app, first page", "format=csv&object=client:{first}", Some(1.0)),
    ("audit export, no change", "format=csv&action=client.nothing", Some(1.0)),
];

/// Asks for every page, in turn.
pub(crate) async fn measure(binary: &str, count: usize) -> Result<()> {
    let place = Place::new(binary)?;
    let start = Instant::now();
    let town = Town::settle(&place, count).await?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{count} clients and {} changes made in {seconds:.0} s", town.changes);
    let server = place.serve()?;
    let mut bench = Bench { cookie: sign_in(&server).await?, server, town, dice: Dice::default() };
    let mut verdict = Verdict::default();
    for (what, path) in PAGES {
        let (cost, bytes) = bench.page(path).await?;
        #[expect(clippy::cast_precision_loss, reason = "a page is small")]
        let size = bytes as f64 / 1024.0;
        verdict.limit(&format!("{what} ({size:.0} KiB)"), (cost, "ms"), LIMIT);
    }
    for (what, query, pages) in EXPORTS {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let pages = pages.unwrap_or(bench.town.changes as f64 / 500.0);
        let cost = bench.export(query).await? / pages;
        verdict.limit(what, (cost, "ms"), LIMIT);
    }
    let (cost, _) = bench.page("/developer/audit/verification").await?;
    println!("{:<46} {cost:>9.2} ms  (reads the whole log; no limit)", "audit log, verification");
    println!("{:<46} {:>9.2} MB", "memory afterwards", bench.server.resident_mb()?);
    verdict.end()
}

struct Bench {
    server: Server,
    town: Town,
    cookie: String,
    dice: Dice,
}

impl Bench {
    /// Milliseconds of processor time for a page, and the bytes of the last answer.
    async fn page(&mut self, path: &str) -> Result<(f64, usize)> {
        let mut connection = Connection::open(&self.server.address).await?;
        let (mut before, mut length) = (0.0, 0);
        for turn in 0..WARM + TIMES {
            if turn == WARM {
                before = self.server.cpu_seconds()?;
            }
            let path = self.somewhere(path);
            let answer = connection.ask(&console_request(&path, &self.cookie)).await?;
            let wanted = if path.ends_with("/nobody") { 404 } else { 200 };
            ensure!(answer.status == wanted, "{path}: {}", answer.status);
            length = answer.body.len();
        }
        let spent = self.server.cpu_seconds()? - before;
        Ok((spent * 1000.0 / f64::from(TIMES), length))
    }

    /// Milliseconds of processor time for a whole file.
    async fn export(&mut self, query: &str) -> Result<f64> {
        // A short file is asked for often, a long one is long enough.
        let times = if query.contains('&') { TIMES } else { 1 };
        let before = self.server.cpu_seconds()?;
        for _ in 0..times {
            let path = format!("/developer/audit/export?{query}");
            let path = self.somewhere(&path);
            let connection = Connection::open(&self.server.address).await?;
            let length = connection.drain(&console_request(&path, &self.cookie)).await?;
            ensure!(length > 0, "{path}: no answer");
        }
        let spent = self.server.cpu_seconds()? - before;
        Ok(spent * 1000.0 / f64::from(times))
    }

    /// The path with something else in its braces each time.
    fn somewhere(&mut self, path: &str) -> String {
        let at = self.dice.below(self.town.clients.len());
        let user = self.dice.below(self.town.users.len());
        let change = self.dice.below(usize::try_from(self.town.changes).unwrap_or(usize::MAX)) + 1;
        path.replace("{first}", &self.town.clients[0])
            .replace("{client}", &self.town.clients[at])
            .replace("{number}", &format!("{at:06}"))
            .replace("{owner}", &(at / 40).to_string())
            .replace("{user}", &self.town.users[user])
            .replace("{change}", &change.to_string())
    }
}

/// Signs in as the operator; the cookie that proves it.
async fn sign_in(server: &Server) -> Result<String> {
    let mut connection = Connection::open(&server.address).await?;
    let answer = connection.ask(&login_request("maria", PASSWORD)).await?;
    ensure!(answer.status == 303, "{}", answer.head);
    let named = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let cookie = name.eq_ignore_ascii_case("set-cookie").then(|| value.trim())?;
        cookie.split(';').next().map(str::to_owned)
    };
    answer.head.lines().find_map(named).context("a cookie")
}
