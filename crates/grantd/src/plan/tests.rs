//! Plans: what is changed and what is not, in which order, and what stands against it.

use grantd_core::Timestamp;
use grantd_issuer::NewClient;

use super::*;
use crate::declaration::read;

fn file(text: &str) -> Declaration {
    read(text).expect("a good file")
}

fn lines(state: &State, text: &str) -> Vec<String> {
    let plan = plan(state, &file(text)).expect("a plan");
    plan.changes.iter().map(ToString::to_string).collect()
}

fn problems(state: &State, text: &str) -> Vec<String> {
    let problems = plan(state, &file(text)).expect_err("problems");
    problems.iter().map(|problem| problem.in_file("f")).collect()
}

/// What a server has that is as this file says: the declaration itself is the source.
fn state(text: &str) -> State {
    let declaration = file(text);
    let mut apis = vec![Api::default_api()];
    apis.extend(declaration.apis.into_iter().map(|stated| stated.what));
    State {
        apis,
        permissions: declaration.permissions.into_iter().map(|stated| stated.what).collect(),
        roles: declaration.roles.into_iter().map(|stated| stated.what).collect(),
        clients: declaration.clients.into_iter().map(|stated| stated.what.wanted).collect(),
    }
}

const FULL: &str = r#"
[[client]]
client_id = "night"
name = "Night"
description = "works"
owner = "tenant:42"
permissions = ["a"]
roles = ["auditor"]
default_scope = ["a"]
serves = ["billing"]
access_token_ttl = "5m"
format = "opaque"
signing_alg = "ES256"
redirect_uris = ["https://a.example/cb", "https://b.example/cb"]

[[role]]
name = "auditor"
description = "looks"
permissions = ["b"]

[[permission]]
name = "a"
[[permission]]
name = "b"
api = "billing"
description = "b it"

[[api]]
name = "billing"
audience = "https://billing.example"
access_token_ttl = "15m"
"#;

#[test]
fn what_is_referred_to_comes_first_whatever_the_order_of_the_file() {
    let fresh = State { apis: vec![Api::default_api()], ..State::default() };
    assert_eq!(
        lines(&fresh, FULL),
        ["+ api billing", "+ permission a", "+ permission b", "+ role auditor", "+ client night"]
    );
}

#[test]
fn what_is_as_the_file_says_is_left_alone_and_so_is_what_it_does_not_name() {
    assert!(lines(&state(FULL), FULL).is_empty());
    assert!(lines(&state(FULL), "").is_empty());
}

#[test]
fn what_the_file_no_longer_says_goes_back_to_its_default() {
    let bare = r#"
        [[client]]
        client_id = "night"
        name = "Night shift"
        [[role]]
        name = "auditor"
        [[permission]]
        name = "b"
        api = "billing"
        [[api]]
        name = "billing"
        audience = "https://billing.example"
    "#;
    let mut state = state(FULL);
    assert_eq!(
        lines(&state, bare),
        [
            "~ api billing: access_token_ttl 900 -> (default)",
            "~ permission b: description \"b it\" -> \"\"",
            "~ client night: access_token_ttl 300 -> (default), default_scope a -> (default), \
             description \"works\" -> \"\", format \"opaque\" -> (default), name \"Night\" -> \"Night shift\", \
             owner \"tenant:42\" -> (default), permissions -a, \
             redirect_uris -https://a.example/cb -https://b.example/cb, roles -auditor, serves -billing, \
             signing_alg \"ES256\" -> (default)",
            "~ role auditor: description \"looks\" -> \"\", permissions -b",
        ]
    );
    // A permission that was deleted from the server leaves an empty default scope behind.
    state.clients[0].default_scope = Some(Vec::new());
    let same = FULL.replace("default_scope = [\"a\"]\n", "");
    assert_eq!(lines(&state, &same), ["~ client night: default_scope  -> (default)"]);
}

#[test]
fn nobody_is_without_a_right_that_only_moves() {
    let before = r#"
        [[permission]]
        name = "a"
        [[permission]]
        name = "b"
        [[role]]
        name = "one"
        permissions = ["a"]
        [[role]]
        name = "two"
        permissions = ["b"]
        [[client]]
        id = "x"
        name = "X"
        roles = ["one"]
    "#;
    let after = before
        .replace("permissions = [\"a\"]", "permissions = []")
        .replace("permissions = [\"b\"]", "permissions = [\"a\"]")
        .replace("roles = [\"one\"]", "roles = [\"two\"]");
    assert_eq!(
        lines(&state(before), &after),
        [
            "~ role two: permissions +a",
            "~ client x: roles +two -one",
            "~ role one: permissions -a",
            "~ role two: permissions -b",
        ]
    );
}

#[test]
fn only_the_order_of_redirect_uris_is_a_change_too() {
    let turned = FULL.replace(
        "\"https://a.example/cb\", \"https://b.example/cb\"",
        "\"https://b.example/cb\", \"https://a.example/cb\"",
    );
    assert_eq!(lines(&state(FULL), &turned), ["~ client night: redirect_uris in another order"]);
}

#[test]
fn an_edit_is_made_only_on_the_version_that_was_seen() {
    let mut state = state(FULL);
    state.clients[0].version = 7;
    let plan = plan(&state, &file(&FULL.replace("\"Night\"", "\"Day\""))).expect("a plan");
    assert!(matches!(plan.changes[0].step, Step::EditClient { version: 7, .. }));
}

#[test]
fn what_is_not_there_is_named_with_what_to_do_all_at_once() {
    let fresh = State { apis: vec![Api::default_api()], ..State::default() };
    let text = r#"
[[permission]]
name = "a"
api = "nope"
[[role]]
name = "r"
permissions = ["b"]
[[client]]
id = "x"
name = "X"
permissions = ["c"]
roles = ["s"]
serves = ["t"]
default_scope = ["a"]
"#;
    let said = problems(&fresh, text);
    let expected = [
        ("f:2: API `nope`", "add [[api]] name = \"nope\""),
        ("f:5: role `r`: permission `b`", "grantd permission create b"),
        ("f:8: API `t`", "grantd api create t"),
        ("f:8: client `x`: default_scope has `a`", "add it there"),
        ("f:8: client `x`: permission `c`", "add [[permission]] name = \"c\""),
        ("f:8: client `x`: role `s`", "grantd role create s"),
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, (start, advice)) in said.iter().zip(expected) {
        assert!(said.starts_with(start) && said.contains(advice), "{said}");
    }
}

#[test]
fn a_role_of_the_file_counts_and_not_the_one_of_the_server() {
    let narrowed = FULL
        .replace("default_scope = [\"a\"]", "default_scope = [\"b\"]")
        .replace("permissions = [\"b\"]", "permissions = []");
    assert!(problems(&state(FULL), &narrowed)[0].contains("default_scope has `b`"));
}

#[test]
fn a_name_stands_once_and_an_audience_too() {
    let twice = "[[role]]\nname = \"r\"\n[[role]]\nname = \"r\"";
    let said = problems(&State::default(), twice);
    assert_eq!(said, ["f:3: role `r` is there twice, before on line 1: keep one"]);
    let api = |name: &str| {
        format!("[[api]]\nname = \"{name}\"\naudience = \"https://billing.example\"\n")
    };
    let said = problems(&state(FULL), &api("other"));
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("API `billing` has the audience https://billing.example"), "{said:?}");
    let both = format!("{}{}", api("x"), api("y"));
    let said = problems(&State::default(), &both);
    assert!(said[0].starts_with("f:4: API `x` has the audience"), "{said:?}");
}

#[test]
fn what_stays_for_good_is_a_problem_and_no_change() {
    let state = state(FULL);
    for (from, to, says) in [
        (
            "\"https://billing.example\"",
            "\"https://b.example\"",
            "has the audience https://billing.example",
        ),
        ("api = \"billing\"", "api = \"default\"", "write api = \"billing\""),
        (
            "roles = [\"auditor\"]",
            "roles = [\"auditor\"]\nkind = \"public\"\ngrants = [\"authorization_code\"]",
            "kind stays",
        ),
    ] {
        let said = problems(&state, &FULL.replace(from, to));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(says), "{said:?}");
    }
}

#[test]
fn a_revoked_client_stays_so_with_a_warning_and_a_deleted_one_stops_everything() {
    let mut state = state(FULL);
    state.clients[0].state = ClientState::Revoked;
    let renamed = FULL.replace("\"Night\"", "\"Day\"");
    let plan = plan(&state, &file(&renamed)).expect("a plan");
    assert_eq!(plan.changes.len(), 1);
    assert!(plan.warnings[0].contains("grantd client restore night"), "{:?}", plan.warnings);
    state.clients[0].state = ClientState::Deleted;
    assert!(problems(&state, &renamed)[0].contains("grantd client restore night"));
}

#[test]
fn a_change_as_json_says_from_what_to_what_and_whether_it_was_done() {
    let renamed = FULL.replace("\"Night\"", "\"Day\"");
    let change = plan(&state(FULL), &file(&renamed)).expect("a plan").changes.remove(0);
    let expected = serde_json::json!({
        "action": "update", "kind": "client", "name": "night",
        "members": { "name": { "from": "Night", "to": "Day" } }, "done": true,
    });
    assert_eq!(change.to_json(Done::Yes), expected);
}

#[test]
fn a_new_client_is_created_with_all_that_is_said() {
    let fresh = State { apis: vec![Api::default_api()], ..State::default() };
    let declaration = file(FULL);
    let mut plan = plan(&fresh, &declaration).expect("a plan");
    let Some(Step::CreateClient(new)) = plan.changes.pop().map(|change| change.step) else {
        panic!()
    };
    let new: NewClient = *new;
    let id = declaration.clients[0].what.wanted.id.clone();
    let made = new.into_registration(id, Timestamp::default());
    assert_eq!(made, declaration.clients[0].what.wanted);
}
