//! What a file may say, and what is said of one that is wrong.

use grantd_core::ClientKind;

use super::*;

fn problems(text: &str) -> Vec<String> {
    read(text).expect_err("refused").iter().map(|problem| problem.in_file("f")).collect()
}

fn problem(text: &str) -> String {
    let mut all = problems(text);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn every_member_is_read() {
    let declaration = read(
        r#"
        [[api]]
        name = "billing"
        audience = "https://billing.example"
        format = "opaque"
        signing_alg = "ES256"
        access_token_ttl = "15m"
        [[permission]]
        name = "invoices.read"
        api = "billing"
        description = "Read invoices"
        [[role]]
        name = "auditor"
        description = "Looks"
        permissions = ["invoices.read", "a", "a"]
        [[client]]
        client_id = "app"
        name = "App"
        description = "An app"
        kind = "public"
        grants = ["authorization_code", "refresh_token"]
        redirect_uris = ["https://app.example/cb"]
        owner = "tenant:42"
        permissions = ["b", "a"]
        roles = ["auditor"]
        default_scope = ["a"]
        serves = ["billing"]
        access_token_ttl = 900
        format = "jwt"
        signing_alg = "EdDSA"
        "#,
    )
    .expect("a good file");
    let api = &declaration.apis[0].what;
    assert_eq!(
        (api.name.as_str(), api.access_token_ttl),
        ("billing", Some("15m".parse().unwrap()))
    );
    assert_eq!((api.format, api.signing_alg), ("opaque".parse().ok(), "ES256".parse().ok()));
    assert_eq!(declaration.permissions[0].what.api, "billing");
    assert_eq!(declaration.roles[0].what.permissions.len(), 2, "said twice is once");
    let Stated { line, what } = &declaration.clients[0];
    let client = &what.wanted;
    assert_eq!((*line, client.kind, client.id.as_str()), (16, ClientKind::Public, "app"));
    assert_eq!(client.owner, "tenant:42".parse().ok());
    assert_eq!(client.access_token_ttl, "15m".parse().ok());
    assert_eq!(client.default_scope.as_deref(), Some(&["a".parse().unwrap()][..]));
    assert_eq!((client.permissions[0].as_str(), client.serves.len()), ("a", 1));
}

#[test]
fn an_empty_file_says_nothing_and_a_short_client_is_a_machine() {
    assert!(read("").unwrap().clients.is_empty());
    let declaration = read("[[client]]\nid = \"a\"\nname = \"A\"").unwrap();
    let client = &declaration.clients[0].what.wanted;
    assert_eq!(client.kind, ClientKind::Confidential);
    assert_eq!(
        client.grants.iter().map(grantd_core::GrantType::as_str).collect::<Vec<_>>(),
        ["client_credentials"]
    );
}

#[test]
fn what_looks_like_a_secret_is_refused_and_not_repeated() {
    for line in [
        "client_secret = \"tops3cret\"",
        "secret = \"tops3cret\"",
        "Password = \"tops3cret\"",
        "x = { private_key = \"tops3cret\" }",
        "credentials = [{ secret_hash = \"tops3cret\" }]",
    ] {
        let said = problem(&format!("[[client]]\nid = \"a\"\nname = 1\n{line}"));
        assert!(said.starts_with("f:4: secrets never belong in this file"), "{said}");
        assert!(!said.contains("tops3cret"), "{said}");
    }
    let said = problem("[[client]]\nid = \"a\"\nclient_secret = tops3cret\n");
    assert!(said.starts_with("f:3: ") && !said.contains("tops3cret"), "{said}");
}

#[test]
fn a_fault_has_its_line_and_what_to_do_and_none_hides_another() {
    let all = problems(
        "[[api]]\nname = \"b\"\n\n[[role]]\nname = \"a b\"\n\n[[client]]\nid = \"c\"\nname = \"C\"\ncolour = 1\n\n\
         [[client]]\nid = \"d\"\n\n[[user]]\n",
    );
    let expected = [
        ("f:1: API `b` needs an audience", "audience = "),
        ("f:10: ", "unknown field `colour`, expected one of `client_id`"),
        ("f:12: ", "missing field `name`"),
        ("f:5: ", "a name has 1 to 100"),
        ("f:15: `user` is unknown", "[[client]]"),
    ];
    assert_eq!(all.len(), expected.len(), "{all:#?}");
    for (start, advice) in expected {
        let found = all.iter().any(|said| said.starts_with(start) && said.contains(advice));
        assert!(found, "{start} in {all:#?}");
    }
}

#[test]
fn nonsense_is_refused_with_a_line() {
    for (text, says) in [
        ("[client]\nid = \"a\"", "f:1: write [[client]]"),
        ("client = 1", "f:1: write [[client]]"),
        ("client = [1]", "f:1: "),
        ("a =", "f:1: "),
        ("[[api]]\nname = \"default\"\naudience = \"https://a.example\"", "is the issuer"),
        ("[[api]]\nname = \"a\"\naudience = \"a\"", "is no audience"),
        ("[[client]]\nid = \"\"\nname = \"A\"", "f:2: an id has"),
        ("[[client]]\nid = \"a\"\nname = \"\"", "the name has 1 to 200"),
        ("[[client]]\nid = \"a\"\nclient_id = \"b\"\nname = \"A\"", "duplicate field"),
        (
            "[[client]]\nid = \"a\"\nname = \"A\"\naccess_token_ttl = \"9w\"",
            "f:4: `9w` is not a duration",
        ),
        (
            "[[client]]\nid = \"a\"\nname = \"A\"\naccess_token_ttl = 0",
            "f:4: `0` is not a duration",
        ),
        (
            "[[client]]\nid = \"a\"\nname = \"A\"\ngrants = [\"implicit\"]",
            "unknown grant type `implicit`",
        ),
        ("[[client]]\nid = \"a\"\nname = \"A\"\nowner = \"42\"", "TYPE:ID"),
        ("[[client]]\nid = \"a\"\nname = \"A\"\nkind = \"odd\"", "`confidential`"),
        (
            "[[client]]\nid = \"a\"\nname = \"A\"\nkind = \"public\"\ngrants = [\"client_credentials\"]",
            "make it confidential",
        ),
        (
            "[[client]]\nid = \"a\"\nname = \"A\"\nredirect_uris = [\"javascript:x\"]",
            "no redirect URI",
        ),
        ("[[permission]]\nname = \"a\"\ndescription = \"\\u001b[2J\"", "no control characters"),
    ] {
        let said = problem(text);
        assert!(said.contains(says), "{text}\n{said}");
    }
}

#[test]
fn a_complaint_cannot_move_a_terminal_s_cursor() {
    let said = problem("\"\\u001b[2J\\n\" = 1");
    assert!(!said.chars().any(char::is_control), "{said:?}");
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    let deep = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read(&deep).is_err());
    let dotted = vec!["a"; 100_000].join(".");
    assert!(read(&format!("{dotted} = 1")).is_err());
    assert!(read(&format!("[{dotted}]")).is_err());
}

#[test]
fn the_documentation_names_every_member() {
    let page = include_str!("../../../../docs/apply.md");
    for kind in ["api", "permission", "role", "client"] {
        let said = problem(&format!("[[{kind}]]\nx = 1"));
        let (_, members) = said.split_once("expected one of ").expect("a list of members");
        for member in members.split(", ").filter(|member| *member != "`id`") {
            assert!(page.contains(member), "{kind}: {member}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_panic(
        text in r#"(\[\[(api|permission|role|client)\]\]\n((id|name|audience|roles|x) = ("[^"]{0,9}"|\[\]|[0-9]{1,20}|.{0,9})\n){0,4}){0,4}|.{0,80}"#
    ) {
        let said = read(&text).map(drop).map_err(|problems| problems.len());
        proptest::prop_assert!(said != Err(0), "a refusal has a reason");
    }
}
