//! The decisions about acting for users as a whole: what an authorization request leads to, what a code
//! and a refresh token are good for, and that nothing ever widens.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]

use std::sync::Arc;

use grantd_core::{
    Algorithm, Api, Approval, ApprovalId, Approved, Ask, Authenticated, AuthorizationQuery,
    AuthorizationRequest, Authorized, Client, ClientApi, ClientKind, ClientState, CodeChallenge,
    CodeProof, CodeRules, CodeTerms, Credentials, Fact, Grant, GrantType, Pen, Permission, Pkce,
    Policy, PresentedToken, RefreshState, Refusal, ResourceOwner, SecretKey, SigningKey, Step,
    Timestamp, TokenRequest, TokenSealer, Ttl, UserId, UserState, Visitor, authenticate, authorize,
    mint, next_step,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const ISSUER: &str = "https://auth.example";
const APP: &str = "https://app.example/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn names(names: &[&str]) -> Vec<Permission> {
    let mut names: Vec<Permission> = names.iter().map(|name| name.parse().unwrap()).collect();
    names.sort();
    names.dedup();
    names
}

/// A client without a secret, so that naming it proves it; what it may is the same for all kinds.
fn client(permissions: &[&str]) -> Client {
    Client {
        id: "app".parse().unwrap(),
        kind: ClientKind::Public,
        state: ClientState::Active,
        grants: [GrantType::AuthorizationCode, GrantType::RefreshToken].into_iter().collect(),
        credentials: vec![],
        roles: ["reader".parse().unwrap()].into(),
        apis: [ClientApi { api: Arc::new(Api::default_api()), permissions: names(permissions) }]
            .into(),
        serves: vec![],
        default_scope: None,
        generation: 7,
        access_token_ttl: None,
        format: None,
        signing_alg: None,
        code: Some(Box::new(CodeRules {
            redirect_uris: vec![APP.to_owned()],
            pkce: Pkce::Required,
            refresh_retry: None,
        })),
    }
}

fn policy() -> Policy {
    let days = |days: i64| Ttl::from_seconds(days * 86_400).unwrap();
    Policy {
        issuer: ISSUER.to_owned(),
        access_token_ttl: Ttl::DEFAULT,
        grants: GrantType::ALL.map(|grant| (grant, None)).into(),
        refresh_ttl: days(90),
        refresh_idle: days(30),
    }
}

fn owner(permissions: &[&str]) -> ResourceOwner {
    ResourceOwner {
        id: UserId::mint(NOW, [1; 10]),
        state: UserState::Active,
        generation: 3,
        permissions: names(permissions),
    }
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() + seconds)
}

// The authorization endpoint.

/// A good request for `a b` with more parameters behind it.
fn request_of(client: &Client, more: &str) -> Result<AuthorizationRequest, Refusal> {
    let query = format!(
        "response_type=code&client_id=app&scope=a+b&code_challenge={CHALLENGE}\
         &code_challenge_method=S256{more}"
    );
    let mut query = AuthorizationQuery::parse(&query)?;
    let addressed = query.address(Some(Arc::new(client.clone())))?;
    query.request(addressed, &policy())
}

/// What a request with these parameters leads to, for somebody with `a` who signed in so long ago.
fn step(
    kind: ClientKind,
    more: &str,
    consented: Option<&[&str]>,
    ago: i64,
) -> Result<Step, Refusal> {
    let request = request_of(&Client { kind, ..client(&["a", "b"]) }, more)?;
    let visitor = Visitor {
        owner: owner(&["a", "c"]),
        signed_in_at: later(-ago),
        consented: consented.map(|names| names.iter().map(ToString::to_string).collect()),
    };
    next_step(&request, Some(&visitor), NOW)
}

#[test]
fn the_next_step_follows_from_prompt_age_consent_and_kind() {
    use ClientKind::{Confidential, Public};
    let ask = || Ok(Step::Ask("a".to_owned()));
    let approve = || Ok(Step::Approve("a".to_owned()));
    let (new, known, more): (_, _, Option<&[&str]>) = (None, Some(&["a"][..]), Some(&["a", "b"]));
    for (kind, prompt, consented, ago, expected) in [
        // Asked once, and what was allowed is not asked again; a public client is asked for each time.
        (Confidential, "", new, 0, ask()),
        (Confidential, "", Some(&[][..]), 0, ask()),
        (Confidential, "", known, 0, approve()),
        (Confidential, "", more, 0, approve()),
        (Public, "", known, 0, ask()),
        // `prompt`.
        (Confidential, "&prompt=none", known, 0, approve()),
        (Confidential, "&prompt=none", new, 0, Err(Refusal::ConsentRequired)),
        (Public, "&prompt=none", known, 0, Err(Refusal::ConsentRequired)),
        (Confidential, "&prompt=consent", known, 0, ask()),
        (Confidential, "&prompt=login", known, 0, Ok(Step::SignIn)),
        (Confidential, "&prompt=select_account", known, 0, Ok(Step::SignIn)),
        (Confidential, "&prompt=login+consent", known, 0, Ok(Step::SignIn)),
        (Confidential, "&prompt=none+login", known, 0, Err(Refusal::PromptUnsupported)),
        (Confidential, "&prompt=none+consent", known, 0, Err(Refusal::PromptUnsupported)),
        (Confidential, "&prompt=create", known, 0, Err(Refusal::PromptUnsupported)),
        // `max_age`: its last moment is inside.
        (Confidential, "&max_age=60", known, 60, approve()),
        (Confidential, "&max_age=60", known, 61, Ok(Step::SignIn)),
        (Confidential, "&max_age=60&prompt=none", known, 61, Err(Refusal::LoginRequired)),
        (Confidential, "&max_age=0", known, 1, Ok(Step::SignIn)),
        (Confidential, "", known, 86_400 * 365, approve()),
        (Confidential, "&max_age=-1", known, 0, Err(Refusal::MaxAgeMalformed)),
        (Confidential, "&max_age=1.5", known, 0, Err(Refusal::MaxAgeMalformed)),
        (Confidential, "&max_age=99999999999", known, 0, Err(Refusal::MaxAgeMalformed)),
    ] {
        assert_eq!(step(kind, prompt, consented, ago), expected, "{kind:?} {prompt} {consented:?}");
    }
}

#[test]
fn nobody_signed_in_leads_to_the_login_page_or_to_a_refusal() {
    let client = client(&["a", "b"]);
    let next = |more| next_step(&request_of(&client, more).unwrap(), None, NOW);
    assert_eq!(next(""), Ok(Step::SignIn));
    assert_eq!(next("&prompt=consent"), Ok(Step::SignIn));
    assert_eq!(next("&prompt=none"), Err(Refusal::LoginRequired));
}

#[test]
fn who_has_nothing_of_it_to_give_is_not_even_asked() {
    let request = request_of(&client(&["a", "b"]), "").unwrap();
    let visitor =
        Visitor { owner: owner(&["c"]), signed_in_at: NOW, consented: Some(vec!["c".to_owned()]) };
    assert_eq!(next_step(&request, Some(&visitor), NOW), Err(Refusal::UserLacksScope));
}

#[test]
fn an_app_that_asks_for_nothing_but_who_it_is_gets_that() {
    let mut client = client(&[]);
    client.kind = ClientKind::Confidential;
    let query = format!(
        "response_type=code&client_id=app&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let mut query = AuthorizationQuery::parse(&query).unwrap();
    let addressed = query.address(Some(Arc::new(client))).unwrap();
    let request = query.request(addressed, &policy()).unwrap();
    let mut visitor = Visitor { owner: owner(&["a"]), signed_in_at: NOW, consented: None };
    assert_eq!(next_step(&request, Some(&visitor), NOW), Ok(Step::Ask(String::new())));
    visitor.consented = Some(vec![]);
    assert_eq!(next_step(&request, Some(&visitor), NOW), Ok(Step::Approve(String::new())));
}

// Codes and refresh tokens.

/// What may become of an approval.
type Change = fn(&mut Approved);

fn prove(client: &Client) -> Authenticated {
    let credentials = Credentials::IdOnly { id: client.id.as_str().into() };
    let hasher = SecretKey::from_bytes([9; 32]).secret_hasher();
    authenticate(&credentials, Some(Arc::new(client.clone())), &hasher, NOW).unwrap()
}

fn approved(scope: &str, owner: ResourceOwner) -> Approved {
    let approval = Approval {
        id: ApprovalId::mint(NOW, [2; 10]),
        client: "app".parse().unwrap(),
        user: owner.id,
        api: Api::DEFAULT.to_owned(),
        scope: scope.to_owned(),
        given_at: NOW,
        code: CodeTerms {
            redirect_uri: Some(APP.to_owned()),
            challenge: CodeChallenge::parse(CHALLENGE),
            ends_at: later(60),
            spent: false,
        },
        refresh: Some(RefreshState { number: 2, rotated_at: NOW }),
        ends_at: later(90 * 86_400),
    };
    Approved { approval, owner }
}

fn ask<'a>(scope: Option<&'a str>, resource: Option<&'a str>) -> Ask<'a> {
    Ask { scope: scope.map(Into::into), resource: resource.map(Into::into) }
}

/// A code redeemed with this redirect URI and verifier.
fn redeemed(
    approved: Option<&Approved>,
    (redirect_uri, verifier): (Option<&str>, Option<&str>),
    now: Timestamp,
) -> Result<String, Refusal> {
    let request = TokenRequest {
        credentials: Credentials::IdOnly { id: "app".into() },
        grant: Grant::AuthorizationCode(CodeProof {
            code: "gac_x".into(),
            redirect_uri: redirect_uri.map(Into::into),
            verifier: verifier.map(Into::into),
        }),
        ask: ask(Some("everything there is"), None),
    };
    let proven = prove(&client(&["a", "b"]));
    authorize(&proven, &request, Fact::Code(approved), &policy(), now).map(|done| done.scope)
}

fn refresh(ask: Ask<'static>) -> TokenRequest<'static> {
    TokenRequest {
        credentials: Credentials::IdOnly { id: "app".into() },
        grant: Grant::RefreshToken("grt_x".into()),
        ask,
    }
}

/// The refresh token with this number, presented by this client.
fn refreshed(
    client: &Client,
    approved: &Approved,
    number: u32,
    now: Timestamp,
) -> Result<String, Refusal> {
    let request = refresh(ask(None, None));
    let fact = Fact::Refresh(Some((approved, number)));
    authorize(&prove(client), &request, fact, &policy(), now).map(|done| done.scope)
}

#[test]
fn a_code_is_good_for_its_client_once_for_a_minute_with_uri_and_verifier() {
    let right = (Some(APP), Some(VERIFIER));
    let good = approved("a b", owner(&["a", "c"]));
    // CX-16: `scope` is not looked at; what both have is what there is.
    assert_eq!(redeemed(Some(&good), right, NOW), Ok("a".to_owned()));
    assert_eq!(redeemed(Some(&good), right, later(59)), Ok("a".to_owned()));
    assert_eq!(redeemed(Some(&good), right, later(60)), Err(Refusal::CodeExpired));
    assert_eq!(redeemed(None, right, NOW), Err(Refusal::CodeUnknown));
    let other = VERIFIER.replace('d', "e");
    let short = &VERIFIER[1..];
    for (proof, refusal) in [
        ((Some("https://app.example/other"), Some(VERIFIER)), Refusal::RedirectUriDiffers),
        ((Some(""), Some(VERIFIER)), Refusal::RedirectUriDiffers),
        ((Some(APP), None), Refusal::VerifierMissing),
        ((Some(APP), Some(short)), Refusal::VerifierMalformed),
        ((Some(APP), Some(&*other)), Refusal::VerifierWrong),
        ((Some(APP), Some(CHALLENGE)), Refusal::VerifierWrong),
    ] {
        assert_eq!(redeemed(Some(&good), proof, NOW), Err(refusal), "{proof:?}");
    }
    // CX-12: PKCE proves more than the URI does, which may then be left out.
    assert_eq!(redeemed(Some(&good), (None, Some(VERIFIER)), NOW), Ok("a".to_owned()));
    let changes: [(Change, Refusal); 6] = [
        (|it| it.approval.client = "other".parse().unwrap(), Refusal::CodeForeign),
        (|it| it.approval.code.spent = true, Refusal::CodeReused),
        (|it| it.approval.code.challenge = None, Refusal::VerifierUnexpected),
        (|it| it.owner.state = UserState::Disabled, Refusal::UserDisabled),
        (|it| it.owner.permissions = names(&["c"]), Refusal::ScopeNotAllowed),
        (|it| it.approval.api = "gone".to_owned(), Refusal::ScopeNotAllowed),
    ];
    for (change, refusal) in changes {
        let mut changed = good.clone();
        change(&mut changed);
        assert_eq!(redeemed(Some(&changed), right, NOW), Err(refusal));
    }
}

#[test]
fn without_pkce_the_redirect_uri_must_come_again() {
    let mut good = approved("a", owner(&["a"]));
    good.approval.code.challenge = None;
    assert_eq!(redeemed(Some(&good), (Some(APP), None), NOW), Ok("a".to_owned()));
    assert_eq!(redeemed(Some(&good), (None, None), NOW), Err(Refusal::RedirectUriDiffers));
    good.approval.code.redirect_uri = None;
    assert_eq!(redeemed(Some(&good), (None, None), NOW), Ok("a".to_owned()), "it named none");
}

#[test]
fn a_refresh_token_works_for_its_client_while_it_is_the_newest() {
    let (app, good) = (client(&["a", "b"]), approved("a b", owner(&["a", "b"])));
    assert_eq!(refreshed(&app, &good, 2, NOW), Ok("a b".to_owned()));
    for number in [0, 1, 3, u32::MAX] {
        assert_eq!(refreshed(&app, &good, number, NOW), Err(Refusal::RefreshTokenReused));
    }
    let mut other = app.clone();
    other.id = "other".parse().unwrap();
    assert_eq!(refreshed(&other, &good, 2, NOW), Err(Refusal::RefreshTokenForeign));
    assert_eq!(refreshed(&other, &good, 1, NOW), Err(Refusal::RefreshTokenForeign));
    let mut none = good.clone();
    none.approval.refresh = None;
    assert_eq!(refreshed(&app, &none, 0, NOW), Err(Refusal::RefreshTokenUnknown));
    let mut disabled = good.clone();
    disabled.owner.state = UserState::Disabled;
    assert_eq!(refreshed(&app, &disabled, 2, NOW), Err(Refusal::UserDisabled));
    let narrowed = client(&["b"]);
    assert_eq!(refreshed(&narrowed, &good, 2, NOW), Ok("b".to_owned()), "RF-14");
    assert_eq!(refreshed(&client(&[]), &good, 2, NOW), Err(Refusal::ScopeNotAllowed));
    let mut without = app.clone();
    without.grants = [GrantType::AuthorizationCode].into_iter().collect();
    assert_eq!(refreshed(&without, &good, 2, NOW), Err(Refusal::GrantTypeNotAllowed), "RF-12");
}

#[test]
fn a_used_refresh_token_may_come_again_only_where_a_confidential_client_may_and_not_for_long() {
    let state = RefreshState { number: 2, rotated_at: NOW };
    let retry = Ttl::from_seconds(30);
    assert!(state.accepts(1, retry, later(29)) && state.accepts(2, None, later(1000)));
    assert!(!state.accepts(1, retry, later(30)) && !state.accepts(1, None, NOW));
    assert!(!state.accepts(0, retry, NOW) && !state.accepts(3, retry, NOW));
    let mut public = client(&["a"]);
    public.code.as_mut().unwrap().refresh_retry = retry;
    let good = approved("a", owner(&["a"]));
    assert_eq!(refreshed(&public, &good, 1, NOW), Err(Refusal::RefreshTokenReused));
}

#[test]
fn rf_09_refresh_tokens_end_with_their_time_however_long_access_tokens_keep_the_approval() {
    let (app, day) = (client(&["a"]), 86_400);
    let with = |rotated: i64, ends: i64| {
        let mut it = approved("a", owner(&["a"]));
        it.approval.refresh = Some(RefreshState { number: 2, rotated_at: later(rotated) });
        it.approval.ends_at = later(ends);
        it
    };
    let at = |approved: &Approved, now| refreshed(&app, approved, 2, later(now)).err();
    let expired = Some(Refusal::RefreshTokenExpired);
    // Its longest time counts from the approval on: refreshing every hour does not carry it on.
    let busy = with(90 * day - 10, 90 * day + 3590);
    assert_eq!((at(&busy, 90 * day - 1), at(&busy, 90 * day)), (None, expired));
    // The idle time counts from the last use on.
    let idle = with(0, 365 * day);
    assert_eq!((at(&idle, 30 * day - 1), at(&idle, 30 * day)), (None, expired));
}

#[test]
fn a_refresh_asks_for_the_same_api_and_no_wider_scope() {
    let (app, good) = (client(&["a", "b", "c"]), approved("a b", owner(&["a", "b", "c"])));
    let refreshed = |scope, resource| {
        let fact = Fact::Refresh(Some((&good, 2)));
        authorize(&prove(&app), &refresh(ask(scope, resource)), fact, &policy(), NOW)
            .map(|done| done.scope)
    };
    assert_eq!(refreshed(Some("b"), None), Ok("b".to_owned()), "RF-07");
    assert_eq!(refreshed(None, None), Ok("a b".to_owned()), "RF-07: the approval keeps its scope");
    assert_eq!(refreshed(Some("b a"), Some(ISSUER)), Ok("a b".to_owned()));
    for wider in ["a c", "c", "a b c", "A"] {
        assert_eq!(refreshed(Some(wider), None), Err(Refusal::ScopeBeyondApproval), "RF-08");
    }
    assert_eq!(refreshed(Some("a  b"), None), Err(Refusal::ScopeMalformed));
    assert_eq!(refreshed(None, Some("https://other.example")), Err(Refusal::ResourceDiffers));
    assert_eq!(refreshed(None, Some("other")), Err(Refusal::ResourceMalformed));
}

#[test]
fn a_grant_never_rests_on_the_fact_of_another() {
    let (proven, good) = (prove(&client(&["a"])), approved("a", owner(&["a"])));
    let decide = |request: &TokenRequest<'_>, fact: Fact<'_>| {
        authorize(&proven, request, fact, &policy(), NOW).err()
    };
    let code = TokenRequest {
        credentials: Credentials::IdOnly { id: "app".into() },
        grant: Grant::AuthorizationCode(CodeProof {
            code: "x".into(),
            redirect_uri: None,
            verifier: Some(VERIFIER.into()),
        }),
        ask: Ask::default(),
    };
    let refresh = refresh(ask(None, None));
    for fact in [Fact::Nothing, Fact::Refresh(Some((&good, 2))), Fact::Refresh(None)] {
        assert_eq!(decide(&code, fact), Some(Refusal::CodeUnknown));
    }
    for fact in [Fact::Nothing, Fact::Code(Some(&good)), Fact::Code(None)] {
        assert_eq!(decide(&refresh, fact), Some(Refusal::RefreshTokenUnknown));
    }
}

// Tokens.

fn sealer() -> TokenSealer {
    TokenSealer::new(&SecretKey::from_bytes([7; 32]), &[])
}

fn minted(authorized: Authorized<'_>) -> PresentedToken {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let issued = mint(authorized, ISSUER, &Pen::Sign(&key), NOW, [3; 10]).unwrap();
    let token = issued.access_token;
    PresentedToken::read(&token, ISSUER, &[key.public().clone()], &sealer()).unwrap()
}

#[test]
fn at_07_a_users_token_names_the_user_the_client_and_the_approval_and_no_role() {
    let (proven, good) = (prove(&client(&["a"])), approved("a", owner(&["a"])));
    let (request, policy) = (refresh(ask(None, None)), policy());
    let fact = Fact::Refresh(Some((&good, 2)));
    let token = minted(authorize(&proven, &request, fact, &policy, NOW).unwrap());
    assert_eq!((token.subject, token.client), (good.owner.id.to_string(), "app".to_owned()));
    assert_eq!((token.grant, token.scope.as_str()), (GrantType::AuthorizationCode, "a"));
    let behalf = token.on_behalf.unwrap();
    assert_eq!((behalf.user, behalf.generation), (good.owner.id, 3));
    assert_eq!((behalf.approval, token.roles.len()), (good.approval.id, 0));
}

/// Some of these names.
fn some() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(vec!["a", "b", "c", "d", "e"], 0..=5)
}

fn is_within(granted: &str, all: &[&[&str]]) -> bool {
    let mut granted = granted.split(' ').filter(|name| !name.is_empty());
    granted.all(|name| all.iter().all(|allowed| allowed.contains(&name)))
}

proptest! {
    #[test]
    fn what_is_granted_is_within_approval_user_and_client(
        allowed in some(), of_user in some(), of_client in some(), asked in proptest::option::of(some())
    ) {
        let all = [&allowed[..], &of_user, &of_client];
        let client = client(&of_client);
        let (proven, policy) = (prove(&client), policy());
        let good = approved(&allowed.join(" "), owner(&of_user));
        let scope = asked.map(|names| names.join(" ")).filter(|scope| !scope.is_empty());
        if let Ok(scope) = redeemed(Some(&good), (Some(APP), Some(VERIFIER)), NOW) {
            prop_assert!(is_within(&scope, &[&allowed, &of_user, &["a", "b"]]), "{scope}");
        }
        let request = TokenRequest {
            credentials: Credentials::IdOnly { id: "app".into() },
            grant: Grant::RefreshToken("x".into()),
            ask: ask(scope.as_deref(), None),
        };
        match authorize(&proven, &request, Fact::Refresh(Some((&good, 2))), &policy, NOW) {
            Ok(done) => {
                prop_assert!(is_within(&done.scope, &all), "{}", done.scope);
                // All three have it, and it was asked for: it is there.
                for name in allowed.iter().filter(|name| of_user.contains(name) && of_client.contains(name)) {
                    let wanted = scope.as_ref().is_none_or(|scope| scope.split(' ').any(|one| one == *name));
                    prop_assert_eq!(wanted, done.scope.split(' ').any(|one| one == *name));
                }
                if let Some(scope) = &scope {
                    let asked: Vec<_> = scope.split(' ').collect();
                    prop_assert!(is_within(&done.scope, &[&asked]));
                }
            }
            Err(refusal) => prop_assert!(
                matches!(refusal, Refusal::ScopeBeyondApproval | Refusal::ScopeNotAllowed), "{refusal:?}"
            ),
        }
    }

    #[test]
    fn a_refreshed_scope_never_widens(
        allowed in some(), rights in proptest::collection::vec((some(), some(), proptest::option::of(some())), 1..6)
    ) {
        for (of_user, of_client, asked) in rights {
            let good = approved(&allowed.join(" "), owner(&of_user));
            let (proven, policy) = (prove(&client(&of_client)), policy());
            let scope = asked.map(|names| names.join(" "));
            let mut request = refresh(ask(None, None));
            request.ask.scope = scope.filter(|scope| !scope.is_empty()).map(Into::into);
            let done = authorize(&proven, &request, Fact::Refresh(Some((&good, 2))), &policy, NOW);
            if let Ok(done) = done {
                prop_assert!(is_within(&done.scope, &[&allowed, &of_user, &of_client]));
            }
        }
    }

    #[test]
    fn the_user_is_asked_only_for_what_they_and_the_client_have(
        of_user in some(), of_client in some(), asked in some(), consented in proptest::option::of(some())
    ) {
        let mut client = client(&of_client);
        client.kind = ClientKind::Confidential;
        let query = format!(
            "response_type=code&client_id=app&code_challenge={CHALLENGE}&code_challenge_method=S256&scope={}",
            asked.join("+")
        );
        let mut query = AuthorizationQuery::parse(&query).unwrap();
        let addressed = query.address(Some(Arc::new(client))).unwrap();
        let Ok(request) = query.request(addressed, &policy()) else { return Ok(()) };
        let visitor = Visitor {
            owner: owner(&of_user),
            signed_in_at: NOW,
            consented: consented.as_ref().map(|names| names.iter().map(ToString::to_string).collect()),
        };
        match next_step(&request, Some(&visitor), NOW) {
            Ok(Step::Ask(scope)) => prop_assert!(is_within(&scope, &[&of_user, &of_client])),
            Ok(Step::Approve(scope)) => {
                let consented = consented.unwrap();
                prop_assert!(is_within(&scope, &[&of_user, &of_client, &consented]));
            }
            Err(refusal) => prop_assert_eq!(refusal, Refusal::UserLacksScope),
            Ok(Step::SignIn) => prop_assert!(false, "they are signed in"),
        }
    }

    #[test]
    fn any_query_is_read_without_panic_and_leads_only_where_it_is_registered(
        query in "((client_id|redirect_uri|response_type|state|scope|prompt|max_age|resource)=[a-z0-9%+:/.é]{0,12}&?){0,8}",
        registered in proptest::sample::subsequence(vec![APP, "http://127.0.0.1/cb"], 0..=2),
    ) {
        let Ok(mut read) = AuthorizationQuery::parse(&query) else { return Ok(()) };
        let mut client = client(&["a"]);
        client.code.as_mut().unwrap().redirect_uris = registered.iter().map(ToString::to_string).collect();
        if let Ok(addressed) = read.address(Some(Arc::new(client))) {
            let location = addressed.refusal(Refusal::ConsentDenied, ISSUER);
            let target = url::Url::parse(&location).unwrap();
            prop_assert!(matches!(target.host_str(), Some("app.example" | "127.0.0.1")), "{location}");
            prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()));
            let _ = read.request(addressed, &policy());
        }
    }
}
