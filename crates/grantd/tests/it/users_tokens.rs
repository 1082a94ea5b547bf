//! The promise for tokens on a user's behalf: a guard knows whose they are, and refuses them within a
//! second of whatever ends them, and no others.

use std::time::{Duration, Instant};

use grantd_guard::{FeedCredentials, GrantType, Guard, GuardRefusal, Principal};
use tokio::runtime::Runtime;

use super::{
    dead_tokens::post,
    server::{Client, Place, Running},
    through_apps::{CALLBACK, Held, allow, redeem},
    tokens::token,
    visitor::Visitor,
    wire::{self, request},
};

const PASSWORD: &str = "correct horse battery";
/// Until when a guard must know.
const BOUND: Duration = Duration::from_secs(1);

/// Two users who may do `a` and `b`, two apps that act for them, and a guard.
struct Scene {
    place: Place,
    running: Running,
    users: [(String, Visitor); 2],
    apps: [Client; 2],
    guard: Guard,
    runtime: Runtime,
}

impl Scene {
    fn new(options: &str) -> Self {
        let place = Place::new();
        place.grantd("permission create a");
        place.grantd("permission create b");
        place.grantd("permission create manage_system");
        let server = place.client("--serves default");
        let grants = "--grant client_credentials --grant authorization_code --grant refresh_token";
        let app = format!(
            "{grants} --redirect-uri {CALLBACK} --permission a --permission b --permission manage_system {options}"
        );
        let apps = [place.client(&app), place.client(&app)];
        let ids = ["ada", "bob"].map(|name| {
            place.user(name, PASSWORD, "--permission a --permission b --permission manage_system")
        });
        let running = place.serve("");
        let users = ["ada", "bob"].map(|name| {
            let mut visitor = Visitor::new(&running);
            assert_eq!(visitor.sign_in(name, PASSWORD).status, 303);
            visitor
        });
        let [(ada, at_ada), (bob, at_bob)] = {
            let mut both = ids.into_iter().zip(users);
            [both.next().unwrap(), both.next().unwrap()]
        };
        let credentials = || FeedCredentials::basic(&server.id, &server.secret);
        let guard = Guard::discover(format!("http://{}", running.address))
            .introspection(credentials())
            .introspection_ttl(Duration::from_hours(1))
            .revocations(credentials());
        let runtime = Runtime::new().unwrap();
        let guard = runtime.block_on(guard.build()).unwrap();
        Self { place, running, users: [(ada, at_ada), (bob, at_bob)], apps, guard, runtime }
    }

    /// What an app gets of a user.
    fn allow(&mut self, user: usize, app: usize, scope: &str) -> Held {
        allow(&self.running, &mut self.users[user].1, &self.apps[app], scope)
    }

    fn verify(&self, token: &str) -> Result<Principal, GuardRefusal> {
        self.runtime.block_on(self.guard.verify(token))
    }

    /// How long it took from now on until the guard refused the token as revoked.
    fn refused_after(&self, token: &str, what: &str) -> Duration {
        let answered = Instant::now();
        loop {
            match self.verify(token) {
                Err(refusal) => {
                    assert_eq!(refusal, GuardRefusal::Revoked, "{what}");
                    return answered.elapsed();
                }
                Ok(_) => assert!(answered.elapsed() < BOUND, "{what}: still accepted"),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// A user takes back what they allowed app 0.
    fn disconnect(&mut self, user: usize) {
        let form = format!("client_id={}", self.apps[0].id);
        let answer = self.users[user].1.post("/account/apps/disconnect", &form);
        assert_eq!(answer.status, 303, "{}", answer.text());
    }

    fn post(&self, path: &str, app: usize, form: &str) {
        let answer = post(&self.running, path, &self.apps[app], form);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[test]
fn rs_21_one_guard_tells_a_user_through_an_app_from_the_app_itself() {
    for options in ["", "--format opaque"] {
        let mut scene = Scene::new(options);
        let own = token(&scene.running, &scene.apps[0], "");
        let held = scene.allow(0, 0, "a");
        assert_eq!(held.access.starts_with("gat_"), !options.is_empty());
        let (machine, user) = (scene.verify(&own).unwrap(), scene.verify(&held.access).unwrap());
        assert_eq!(machine.client_id(), scene.apps[0].id);
        assert_eq!((machine.user_id(), machine.grant_type()), (None, GrantType::ClientCredentials));
        assert_eq!((machine.user_generation(), machine.grant_id()), (None, None));
        assert!(machine.can("a") && machine.can("b"));
        assert_eq!(
            (user.client_id(), user.user_id()),
            (&*scene.apps[0].id, Some(&*scene.users[0].0))
        );
        assert_eq!(user.grant_type(), GrantType::AuthorizationCode);
        assert_eq!(user.user_generation(), Some(1));
        assert!(user.grant_id().is_some() && user.credential_id().is_some());
        assert!(user.can("a") && !user.can("b"), "the app asked for no more");
    }
}

/// What ends tokens: each takes the scene and what app 0 has of user 0. Then who else is hit: user 0
/// through app 1, user 1 through app 0, app 0 itself.
type Deed = fn(&mut Scene, &Held);

const DEEDS: [(&str, [bool; 3], Deed); 8] = [
    ("app disconnected", [false, false, false], |scene, _| scene.disconnect(0)),
    ("user disabled", [true, false, false], |scene, _| {
        drop(scene.place.grantd("user disable ada"));
    }),
    ("user narrowed", [true, false, false], |scene, _| {
        drop(scene.place.grantd("user update ada --remove-permission b"));
    }),
    ("permission deleted", [true, true, true], |scene, _| {
        drop(scene.place.grantd("permission delete b"));
    }),
    ("refresh token revoked", [false, false, false], |scene, held| {
        scene.post("/oauth/revoke", 0, &format!("token={}", held.refresh));
    }),
    ("code shown again", [false, false, false], |scene, held| {
        assert_eq!(redeem(&scene.running, &scene.apps[0], &held.code), None);
    }),
    ("refresh token used twice", [false, false, false], |scene, held| {
        let form = format!("grant_type=refresh_token&refresh_token={}", held.refresh);
        scene.post("/oauth/token", 0, &form);
        assert_eq!(post(&scene.running, "/oauth/token", &scene.apps[0], &form).status, 400);
    }),
    ("client narrowed", [false, true, true], |scene, _| {
        let line = format!("client update {} --remove-permission b", scene.apps[0].id);
        drop(scene.place.grantd(&line));
    }),
];

#[test]
fn rs_34_what_ends_a_user_s_tokens_reaches_a_guard_within_a_second_and_hits_no_others() {
    for options in ["", "--format opaque"] {
        for (name, others, deed) in DEEDS {
            let mut scene = Scene::new(options);
            let held = scene.allow(0, 0, "a b");
            let beside = [
                scene.allow(0, 1, "a b").access,
                scene.allow(1, 0, "a b").access,
                token(&scene.running, &scene.apps[0], ""),
            ];
            for token in beside.iter().chain([&held.access]) {
                assert!(scene.verify(token).is_ok(), "{name}");
            }
            deed(&mut scene, &held);
            scene.refused_after(&held.access, name);
            for (at, (token, dead)) in beside.iter().zip(others).enumerate() {
                if dead {
                    scene.refused_after(token, name);
                } else {
                    assert!(scene.verify(token).is_ok(), "{name}: beside {at}");
                }
            }
        }
    }
}

/// Each with a scene of its own, for a user has sixty requests a minute.
#[test]
fn fifty_ends_of_each_kind_reach_a_guard_within_a_second_each() {
    measure("approval ended by its app", |scene, _| {
        let held = scene.allow(0, 0, "a b");
        scene.post("/oauth/revoke", 0, &format!("token={}", held.refresh));
        held
    });
    measure("app disconnected by its user", |scene, at| {
        let held = scene.allow(at % 2, 0, "a b");
        scene.disconnect(at % 2);
        held
    });
    measure("user narrowed by command line", |scene, _| {
        scene.place.grantd("user update ada --add-permission b");
        let held = scene.allow(0, 0, "a");
        scene.place.grantd("user update ada --remove-permission b");
        held
    });
}

fn measure(what: &str, end: impl Fn(&mut Scene, usize) -> Held) {
    let mut scene = Scene::new("");
    let span = |at| {
        let held = end(&mut scene, at);
        scene.refused_after(&held.access, what)
    };
    let mut spans: Vec<_> = (0..50).map(span).collect();
    report(what, &mut spans);
}

#[expect(clippy::print_stdout, reason = "figures for who runs it with --nocapture")]
fn report(what: &str, spans: &mut [Duration]) {
    spans.sort_unstable();
    let (median, last) = (spans[spans.len() / 2], spans[spans.len() - 1]);
    println!("{what}: {} tries, median {median:?}, longest {last:?}", spans.len());
}

#[test]
fn the_server_s_own_api_takes_a_user_through_an_app_and_the_log_names_the_user() {
    for options in ["", "--format opaque"] {
        let mut scene = Scene::new(options);
        let held = scene.allow(0, 0, "manage_system");
        let lesser = scene.allow(0, 1, "a");
        let ask = |token: &str, body: &str| {
            let bearer = format!("Bearer {token}");
            let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
            let request = request("POST", "/api/v1/permissions", &headers, body.as_bytes());
            wire::send(scene.running.address, &request).unwrap().status
        };
        let body = r#"{"name":"made.by.ada"}"#;
        assert_eq!(ask(&lesser.access, body), 403, "the app asked for less than its user may");
        assert_eq!(ask(&held.access, body), 201);
        let log = scene.place.grantd("audit list");
        let made = log["events"].as_array().unwrap().iter();
        let made = made.filter(|event| event["object"] == "permission:made.by.ada");
        let actors: Vec<_> = made.map(|event| event["actor"].as_str().unwrap()).collect();
        assert_eq!(actors, [format!("user:{}", scene.users[0].0)]);
        scene.place.grantd("user update ada --remove-permission manage_system");
        assert_eq!(ask(&held.access, r#"{"name":"too.late"}"#), 401, "nothing is remembered here");
    }
}
