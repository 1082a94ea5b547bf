//! A signing key is changed: published first, signing later, retired last, and nobody notices.

use std::{
    net::SocketAddr,
    sync::{Arc, RwLock},
    thread,
    time::{Duration, Instant},
};

use grantd_core::jose::{JwkSet, UnverifiedJws};
use grantd_guard::{FeedCredentials, Guard};
use serde_json::Value;

use super::{
    balancer::Health,
    dead_tokens::active,
    load::{Ask, Load, Use},
    rolling::{Cluster, token_request},
    server::Place,
    tokens::token,
    wire::{Answer, request, send},
};

/// A verifier without a way back: it knows the keys it fetched once, for an hour.
#[derive(Clone)]
struct Plain(Arc<RwLock<JwkSet>>);

impl Plain {
    fn fetch(from: SocketAddr) -> Self {
        Self(Arc::new(RwLock::new(key_set(from))))
    }

    /// Its hour is over.
    fn fetch_again(&self, from: SocketAddr) {
        *self.0.write().unwrap() = key_set(from);
    }

    fn verifies(&self, token: &str) -> bool {
        let jws = UnverifiedJws::parse(token).unwrap();
        let known = self.0.read().unwrap();
        let key = known.keys.iter().find(|key| key.kid == jws.header().kid);
        key.is_some_and(|key| jws.verify(&key.to_public_key().unwrap()).is_ok())
    }
}

fn key_set(from: SocketAddr) -> JwkSet {
    let answer = send(from, &request("GET", "/.well-known/jwks.json", &[], b"")).unwrap();
    serde_json::from_value(answer.json()).unwrap()
}

pub(crate) fn kid(token: &str) -> String {
    UnverifiedJws::parse(token).unwrap().header().kid.clone().unwrap()
}

/// The id of the key of this algorithm and role, the last one of several.
pub(crate) fn listed(answer: &Value, alg: &str, role: &str) -> String {
    let keys = answer["keys"].as_array().unwrap().iter().rev();
    let key = keys.filter(|key| key["alg"] == alg).find(|key| key["role"] == role).unwrap();
    key["kid"].as_str().unwrap().to_owned()
}

fn said(place: &Place, line: &str) -> String {
    let output = place.try_grantd(line);
    assert_eq!(output.status.code(), Some(1), "{line}");
    String::from_utf8(output.stderr).unwrap()
}

/// Clients who verify what they get, by both kinds of verifier.
fn verified_load(cluster: &Cluster, plain: &Plain, guard: &Guard) -> Load {
    let mut load = Load::new();
    let runtime = tokio::runtime::Handle::current();
    for how in
        [Use::Once, Use::Kept(Duration::from_millis(2)), Use::Kept(Duration::from_millis(20))]
    {
        let client = cluster.place.client("--permission a --access-token-ttl 3s");
        let (plain, guard, runtime) = (plain.clone(), guard.clone(), runtime.clone());
        let judge = move |answer: &Answer| {
            let document = answer.json();
            let token = document["access_token"].as_str().unwrap();
            if !plain.verifies(token) {
                return Some(format!("a plain verifier does not know {}", kid(token)));
            }
            runtime.block_on(guard.verify(token)).err().map(|error| error.to_string())
        };
        let ask: Ask = (token_request(&client), Box::new(judge));
        load.add(cluster.balancer.address, how, vec![ask]);
    }
    load
}

#[test]
fn while_a_key_is_changed_on_three_nodes_no_token_fails_a_verifier_that_caches_for_an_hour() {
    let Some(mut cluster) = Cluster::start(Health::Asked, Duration::from_secs(1)) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let to = cluster.balancer.address;
    let reader = cluster.place.client("--serves default");
    let guard = Guard::discover(format!("http://{to}"))
        .revocations(FeedCredentials::basic(&reader.id, &reader.secret));
    let guard = runtime.block_on(guard.build()).unwrap();
    let plain = Plain::fetch(to);
    let client = cluster.place.client("--permission a");
    let load = verified_load(&cluster, &plain, &guard);

    let added = cluster.place.grantd("keys add --alg RS256");
    let (old, new) =
        (listed(&added, "RS256", "signs by default"), listed(&added, "RS256", "verifies only"));
    cluster.roll();
    let first = token(&cluster.nodes[0], &client, "");
    assert_eq!(kid(&first), old, "it is published and does not sign");

    plain.fetch_again(to);
    let early = said(&cluster.place, &format!("keys sign-with {new}"));
    assert!(early.contains("too new") && early.contains("--force"), "{early}");
    cluster.place.grantd(&format!("keys sign-with {new} --force"));
    cluster.roll();
    let second = token(&cluster.nodes[0], &client, "");
    assert_eq!(kid(&second), new);

    plain.fetch_again(to);
    assert!(plain.verifies(&first), "what was signed before lives on");
    thread::sleep(Duration::from_secs(3)); // until the tokens of the load have ended
    let early = said(&cluster.place, &format!("keys retire {old}"));
    assert!(early.contains("may live until"), "{early}");
    cluster.place.grantd(&format!("keys retire {old} --force"));
    cluster.roll();

    let (asked, lost) = load.end();
    println!("{asked} tokens, lost or refused {}", lost.len());
    assert!(asked > 300 && lost.is_empty(), "{asked} {lost:?}");
    plain.fetch_again(to);
    assert!(plain.verifies(&second) && !plain.verifies(&first), "the old one is gone");
}

#[test]
fn a_key_that_signs_before_it_was_published_does_fail_such_a_verifier() {
    let place = Place::new();
    place.grantd("permission create a");
    let client = place.client("--permission a");
    let mut running = place.serve("");
    let plain = Plain::fetch(running.address);
    let old = token(&running, &client, "");
    assert!(running.terminate());
    let added = place.grantd("keys add");
    place.grantd(&format!("keys sign-with {} --force", listed(&added, "RS256", "verifies only")));
    let running = place.serve(&format!("--listen {}", running.address));
    assert!(plain.verifies(&old) && !plain.verifies(&token(&running, &client, "")));
}

#[test]
fn each_step_leaves_a_file_that_serves_and_other_lines_alone() {
    let place = Place::bare();
    let env = place.path().join(".env");
    std::fs::write(&env, "# mine\nOTHER='a b'\n").unwrap();
    let made = place.grantd("keys generate --alg ES256");
    let old = listed(&made, "ES256", "signs by default");
    let server_key = |text: &str| {
        text.lines().find(|line| line.starts_with("GRANTD_SECRET_KEY")).unwrap().to_owned()
    };
    let before = server_key(&std::fs::read_to_string(&env).unwrap());
    let added = place.grantd("keys add --alg ES256");
    let new = listed(&added, "ES256", "verifies only");
    assert!(added["next"].as_str().unwrap().contains(&format!("keys sign-with {new}")));
    assert!(said(&place, "keys sign-with nonsense").contains("keys list"));
    assert!(said(&place, &format!("keys sign-with {old}")).contains("already"));
    assert!(said(&place, &format!("keys retire {old}")).contains("keys add --alg ES256"));
    let turned = place.grantd(&format!("keys sign-with {new} --force"));
    assert_eq!(listed(&turned, "ES256", "signs by default"), new);
    let kept = place.grantd(&format!("keys retire {old} --keep-public"));
    assert_eq!(listed(&kept, "ES256", "verifies only"), old);
    assert!(said(&place, &format!("keys sign-with {old}")).contains("public half"));
    assert!(said(&place, &format!("keys retire {old}")).contains("may live until"));
    let gone = place.grantd(&format!("keys retire {old} --force"));
    assert_eq!(gone["keys"].as_array().unwrap().len(), 1);
    assert_eq!(place.grantd("keys list")["keys"], gone["keys"]);
    let text = std::fs::read_to_string(&env).unwrap();
    assert!(text.starts_with("# mine\nOTHER='a b'\n"), "{text}");
    assert_eq!(server_key(&text), before);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&env).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(said(&Place::bare(), "keys add").contains("keys generate"));
}

#[test]
fn a_key_in_clear_does_not_come_beside_protected_ones_unless_somebody_says_so() {
    let place = Place::bare();
    let env = place.path().join(".env");
    place.grantd("keys generate --alg ES256");
    let plain = std::fs::read_to_string(&env).unwrap();
    let key = place.path().join("plain.pem");
    let line = plain.lines().find_map(|line| line.strip_prefix("GRANTD_PRIVATE_KEY=\"")).unwrap();
    std::fs::write(&key, line.trim_end_matches('"').replace("\\n", "\n")).unwrap();
    let locked = std::process::Command::new("openssl")
        .args(["pkcs8", "-topk8", "-passout", "pass:open-sesame", "-in"])
        .arg(&key)
        .output()
        .unwrap();
    assert!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));
    let locked = String::from_utf8(locked.stdout).unwrap().replace('\n', "\\n");
    std::fs::write(
        &env,
        format!("GRANTD_PRIVATE_KEY=\"{locked}\"\nGRANTD_PRIVATE_KEY_PASSPHRASE=open-sesame\n"),
    )
    .unwrap();
    let before = std::fs::read_to_string(&env).unwrap();
    let refused = said(&place, "keys add --alg ES256");
    assert!(refused.contains("in clear") && refused.contains("openssl genpkey"), "{refused}");
    assert_eq!(std::fs::read_to_string(&env).unwrap(), before);
    let added = place.grantd("keys add --alg ES256 --force");
    assert_eq!(added["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn whoever_changes_a_file_that_the_environment_outranks_is_told() {
    let (place, other) = (Place::bare(), Place::bare());
    place.grantd("keys generate --alg ES256");
    other.grantd("keys generate --alg ES256 --env-file mine.env");
    let quiet = place.try_grantd("keys add --alg ES256");
    assert!(quiet.status.success() && quiet.stderr.is_empty(), "the file is what is in force");
    let text = std::fs::read_to_string(other.path().join("mine.env")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("GRANTD_PRIVATE_KEY=\"")).unwrap();
    let line = line.trim_end_matches('"');
    let mut command = place.command();
    let add = command.args(["keys", "add", "--alg", "ES256"]).env("GRANTD_PRIVATE_KEY", line);
    let output = add.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && told.contains("outranks"), "{told}");
}

#[test]
fn what_a_stolen_key_signed_is_refused_within_a_second_and_nothing_else() {
    let place = Place::new();
    place.grantd("permission create a");
    let (client, reader) = (place.client("--permission a"), place.client("--serves default"));
    let mut running = place.serve("");
    let options = format!("--listen {}", running.address);
    let stolen = token(&running, &client, "");
    let old = kid(&stolen);
    assert!(said(&place, &format!("keys revoke {old}")).contains("still signs"));
    assert!(said(&place, "keys revoke nonsense").contains("none of the keys"));
    let added = place.grantd("keys add");
    place.grantd(&format!("keys sign-with {} --force", listed(&added, "RS256", "verifies only")));
    assert!(running.terminate());
    let running = place.serve(&options);
    let fresh = token(&running, &client, "");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let guard = Guard::discover(format!("http://{}", running.address))
        .revocations(FeedCredentials::basic(&reader.id, &reader.secret));
    let guard = runtime.block_on(guard.build()).unwrap();
    let verify = |token: &str| runtime.block_on(guard.verify(token)).is_ok();
    assert!(verify(&stolen) && active(&running, &reader, &stolen));

    place.grantd(&format!("keys revoke {old}"));
    let answered = Instant::now();
    assert!(!active(&running, &reader, &stolen), "introspection knows at once");
    while verify(&stolen) {
        assert!(answered.elapsed() < Duration::from_secs(1), "still accepted");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(verify(&fresh) && active(&running, &reader, &fresh));
    let mut inspect = place.command();
    inspect.args(["token", "inspect", &stolen]);
    let told =
        inspect.env("GRANTD_ISSUER", format!("http://{}", running.address)).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("the key that signed it was revoked"), "{told}");
    let events = place.grantd("audit list")["events"].as_array().unwrap().clone();
    let last = events.last().unwrap();
    assert_eq!(
        (&last["action"], &last["object"]),
        (&"key.revoke".into(), &format!("key:{old}").into())
    );
}
