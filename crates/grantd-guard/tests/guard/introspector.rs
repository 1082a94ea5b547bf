//! A guard that asks an introspector in its process about every token.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::FutureExt;
use grantd_guard::{
    ActiveToken, GrantType, Guard, GuardRefusal, Introspector, IntrospectorError, Timestamp,
};
use proptest::prelude::*;

use crate::{
    application::{application, ask_with, assert_invalid},
    forge::{AUDIENCE, ISSUER, now},
};

/// Says the same of every token, and counts how often it was asked.
struct Oracle {
    says: Mutex<Result<Option<ActiveToken>, String>>,
    asked: Mutex<usize>,
}

impl Oracle {
    fn saying(token: ActiveToken) -> Arc<Self> {
        Arc::new(Self { says: Mutex::new(Ok(Some(token))), asked: Mutex::new(0) })
    }

    fn guard(self: &Arc<Self>) -> Guard {
        let introspector = Arc::clone(self) as Arc<dyn Introspector>;
        Guard::with_introspector(ISSUER, introspector).audience(AUDIENCE).build_now()
    }

    fn say(&self, says: Result<Option<ActiveToken>, String>) {
        *self.says.lock().unwrap() = says;
    }
}

#[async_trait]
impl Introspector for Oracle {
    async fn introspect(&self, _: &str) -> Result<Option<ActiveToken>, IntrospectorError> {
        *self.asked.lock().unwrap() += 1;
        Ok(self.says.lock().unwrap().clone()?)
    }
}

/// Makes what the oracle says wrong.
type Spoil = fn(&mut ActiveToken);

fn active() -> ActiveToken {
    ActiveToken {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        subject: "c1".to_owned(),
        client_id: "c1".to_owned(),
        token_id: "t1".to_owned(),
        expires_at: Timestamp::from_seconds(now() + 600),
        grant_type: GrantType::ClientCredentials,
        scope: "schools.read".to_owned(),
        roles: vec!["reader".to_owned()],
        generation: 3,
        credential_id: Some("k1".to_owned()),
        user_generation: None,
        grant_id: None,
    }
}

#[tokio::test]
async fn every_token_is_asked_about_and_a_revocation_holds_at_once() {
    let oracle = Oracle::saying(active());
    let app = application(&oracle.guard());
    for token in ["gat_opaque", "a.jwt.it-seems"] {
        assert_eq!(ask_with(&app, "/api/v1/schools", token).await.status, 200, "{token}");
    }
    assert_eq!(ask_with(&app, "/api/v1/invoices", "gat_opaque").await.status, 403);
    oracle.say(Ok(None));
    assert_invalid(&app, "gat_opaque", "inactive").await;
    assert_eq!(*oracle.asked.lock().unwrap(), 4, "nothing is remembered");
}

#[tokio::test]
async fn the_principal_says_what_an_audit_needs() {
    let principal = Oracle::saying(active()).guard().verify("gat_x").await.unwrap();
    assert_eq!((principal.client_id(), principal.user_id()), ("c1", None));
    assert_eq!((principal.token_id(), principal.credential_id()), ("t1", Some("k1")));
    assert_eq!((principal.generation(), principal.roles()), (3, &["reader".to_owned()][..]));
}

#[tokio::test]
async fn an_introspector_that_does_not_know_lets_nobody_through() {
    let oracle = Oracle::saying(active());
    oracle.say(Err("the database is gone".to_owned()));
    let answer = ask_with(&application(&oracle.guard()), "/api/v1/schools", "gat_x").await;
    assert_eq!((answer.status, &answer.headers["retry-after"]), (503, &"2".parse().unwrap()));
    assert!(!answer.body.contains("database"), "the cause is for the log");
}

#[tokio::test]
async fn what_it_says_is_measured_as_a_jwt_s_claims_are() {
    let oracle = Oracle::saying(active());
    let guard = oracle.guard();
    let wrong: [(Spoil, GuardRefusal); 9] = [
        (|token| token.issuer.push('/'), GuardRefusal::IssuerWrong),
        (|token| token.audience.push('/'), GuardRefusal::AudienceWrong),
        (|token| token.expires_at = Timestamp::from_seconds(now()), GuardRefusal::Expired),
        (|token| token.subject = "u1".to_owned(), GuardRefusal::SubjectWrong),
        (|token| token.grant_type = GrantType::AuthorizationCode, GuardRefusal::SubjectWrong),
        (|token| token.grant_type = GrantType::RefreshToken, GuardRefusal::GrantTypeUnknown),
        (|token| token.user_generation = Some(0), GuardRefusal::UserClaimsWrong),
        (|token| token.grant_id = Some("g1".to_owned()), GuardRefusal::UserClaimsWrong),
        (|token| token.token_id.clear(), GuardRefusal::ClaimsMalformed),
    ];
    for (spoil, refusal) in wrong {
        let mut token = active();
        spoil(&mut token);
        oracle.say(Ok(Some(token)));
        assert_eq!(guard.verify("gat_x").await.unwrap_err(), refusal);
    }
}

#[tokio::test]
async fn a_text_over_16_kib_is_not_asked_about() {
    let oracle = Oracle::saying(active());
    let long = "x".repeat(16 * 1024 + 1);
    assert_eq!(oracle.guard().verify(&long).await.unwrap_err(), GuardRefusal::TokenTooLong);
    assert!(oracle.guard().verify(&long[1..]).await.is_ok());
    assert_eq!(*oracle.asked.lock().unwrap(), 1);
}

proptest! {
    #[test]
    fn a_client_s_introspected_token_never_yields_a_user(
        subject in "[a-c]?", client_id in "[a-c]?", user_generation in prop::option::of(0..2_u64),
        grant_id in prop::option::of("[a-c]"), token in "(gat_)?[a-z.]{1,9}",
        grant_type in prop_oneof![
            Just(GrantType::ClientCredentials), Just(GrantType::AuthorizationCode), Just(GrantType::RefreshToken),
        ],
    ) {
        let says = ActiveToken {
            subject: subject.clone(), client_id: client_id.clone(), grant_type, user_generation, grant_id, ..active()
        };
        let verified = Oracle::saying(says).guard().verify(&token).now_or_never().unwrap();
        if let Ok(principal) = verified {
            prop_assert_eq!(principal.client_id(), &*client_id);
            if grant_type == GrantType::AuthorizationCode {
                prop_assert_eq!(principal.user_id(), Some(&*subject));
                prop_assert_ne!(principal.user_id(), Some(principal.client_id()));
                prop_assert!(principal.user_generation().is_some() && principal.grant_id().is_some());
            } else {
                prop_assert_eq!(grant_type, GrantType::ClientCredentials);
                prop_assert_eq!((principal.user_id(), principal.user_generation()), (None, None));
                prop_assert_eq!(principal.grant_id(), None);
                prop_assert_eq!(client_id, subject);
            }
        }
    }
}
