//! A token that was verified is remembered; all that can end it still ends it.

use std::time::Duration;

use grantd_guard::GuardRefusal;
use serde_json::json;

use crate::{
    fake_issuer::FakeIssuer,
    forge::{Forge, claims, now},
};

#[tokio::test]
async fn a_remembered_token_dies_with_its_key() {
    let (old, new) = (Forge::new("old"), Forge::new("new"));
    let issuer = FakeIssuer::start("", &[&old, &new]).await;
    let guard = issuer.guard().refetch_interval(Duration::ZERO).build().await.unwrap();
    let (dying, living) = (issuer.token(&old), issuer.token(&new));
    for token in [&dying, &living, &dying, &living] {
        assert!(guard.verify(token).await.is_ok());
    }
    issuer.publish(&[&new]);
    assert!(guard.verify(&issuer.token(&Forge::new("unknown"))).await.is_err(), "so keys are read");
    assert_eq!(guard.verify(&dying).await.unwrap_err(), GuardRefusal::KeyUnknown);
    assert!(guard.verify(&living).await.is_ok());
}

#[tokio::test]
async fn a_key_in_the_place_of_another_under_the_same_name_makes_remembered_tokens_worthless() {
    let (before, after) = (Forge::new("k"), Forge::new("k"));
    let issuer = FakeIssuer::start("", &[&before]).await;
    let guard = issuer.guard().refetch_interval(Duration::ZERO).build().await.unwrap();
    let token = issuer.token(&before);
    assert!(guard.verify(&token).await.is_ok());
    issuer.publish(&[&after]);
    assert!(guard.verify(&issuer.token(&Forge::new("unknown"))).await.is_err(), "so keys are read");
    assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::SignatureWrong);
}

#[tokio::test]
async fn a_remembered_token_ends_to_the_second() {
    let forge = Forge::new("k");
    let guard = forge.guard();
    let end = now() + 2;
    let token = forge.token(&claims(&json!({ "exp": end })));
    assert!(guard.verify(&token).await.is_ok());
    while now() < end {
        // It may end between the question and the look at the clock.
        if let Err(refusal) = guard.verify(&token).await {
            assert_eq!((refusal, now() >= end), (GuardRefusal::Expired, true));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::Expired);
}

#[tokio::test]
async fn no_byte_of_a_remembered_token_can_be_another() {
    let forge = Forge::new("k");
    let guard = forge.guard();
    let token = forge.token(&claims(&json!({})));
    assert!(guard.verify(&token).await.is_ok());
    for at in 0..token.len() {
        let mut forged = token.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        assert!(guard.verify(&String::from_utf8(forged).unwrap()).await.is_err(), "byte {at}");
    }
    assert!(guard.verify(&token).await.is_ok());
    assert!(guard.verify(&format!("{token}A")).await.is_err());
}
