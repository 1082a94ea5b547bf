//! The consent screen when something comes between: another account, a session that ends, a redirect
//! to wherever apps may live.

use grantd_browser_tests::PASSWORD;

use crate::{House, open, sign_in};

/// What an app asks, without a browser of its own; nobody trades the code.
fn ask(id: &str, redirect_uri: &str) -> String {
    let escaped = redirect_uri.replace(':', "%3A").replace('/', "%2F");
    format!(
        "/oauth/authorize?response_type=code&client_id={id}&redirect_uri={escaped}\
         &scope=view_schools+pupils.write&state=a%26b\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    )
}

#[tokio::test]
async fn the_redirect_passes_the_page_s_policy_wherever_the_app_lives() {
    let house = House::new();
    let uris = [
        "https://app.example/callback",
        "http://127.0.0.1:9/callback",
        "com.example.app:/callback",
    ];
    let apps = uris.map(|uri| (uri, house.app("School map", uri, "--public").0));
    let server = house.place.serve();
    for (uri, id) in apps {
        for label in ["Allow", "Cancel"] {
            let browser = open(&server).await;
            browser.go(&ask(&id, uri)).await;
            sign_in(&browser, "maria").await;
            browser.says("Allow School map to act for you?").await;
            browser.press(label).await;
            // Nobody answers at these addresses; an app's own scheme opens nothing here.
            if uri.starts_with("http") {
                browser.has_left_for(uri).await;
            }
            browser.has_no_complaints().await;
        }
    }
}

#[tokio::test]
async fn a_login_that_needs_no_question_leads_to_the_app_at_once() {
    let house = House::new();
    let uri = "http://127.0.0.1:9/callback";
    let (id, _) = house.app("Timetable", uri, "");
    let server = house.place.serve();
    let browser = open(&server).await;
    browser.go(&ask(&id, uri)).await;
    sign_in(&browser, "maria").await;
    browser.press("Allow").await;
    browser.has_left_for(uri).await;
    browser.go(&format!("{}&prompt=login", ask(&id, uri))).await;
    browser.says("Sign in").await;
    sign_in(&browser, "maria").await;
    browser.has_left_for(uri).await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn who_is_somebody_else_signs_in_from_the_consent_screen() {
    let house = House::new();
    let uri = "http://127.0.0.1:9/callback";
    let (id, _) = house.app("School map", uri, "--public");
    let server = house.place.serve();
    let browser = open(&server).await;
    browser.go(&ask(&id, uri)).await;
    sign_in(&browser, "maria").await;
    browser.says("You are signed in as maria").await;
    assert!(browser.is_saying("which your account does not have").await);
    browser.press("Sign in as somebody else").await;
    sign_in(&browser, "otto").await;
    browser.says("You are signed in as otto").await;
    assert!(browser.is_saying("Create and change pupils").await);
    assert!(!browser.is_saying("which your account does not have").await);
    browser.press("Allow").await;
    browser.has_left_for(uri).await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn a_session_that_ends_before_the_answer_leads_back_to_the_question() {
    let house = House::new();
    let uri = "http://127.0.0.1:9/callback";
    let (id, _) = house.app("School map", uri, "--public");
    let server = house.place.serve();
    let browser = open(&server).await;
    browser.go(&ask(&id, uri)).await;
    sign_in(&browser, "maria").await;
    browser.says("Allow School map to act for you?").await;
    server.end_other_sessions(&house.place, "maria", PASSWORD);
    browser.press("Allow").await;
    browser.says("Your session has ended").await;
    sign_in(&browser, "maria").await;
    browser.says("Allow School map to act for you?").await;
    browser.press("Allow").await;
    browser.has_left_for(uri).await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn an_answer_from_before_somebody_else_signed_in_allows_nothing() {
    let house = House::new();
    let uri = "http://127.0.0.1:9/callback";
    let (id, _) = house.app("School map", uri, "--public");
    let server = house.place.serve();
    let browser = open(&server).await;
    browser.go(&ask(&id, uri)).await;
    sign_in(&browser, "maria").await;
    browser.says("You are signed in as maria").await;
    let other = async || {
        sign_in(&browser, "otto").await;
        browser.arrives_at("/account").await;
    };
    browser.in_another_tab("/login", other).await;
    browser.press("Allow").await;
    browser.says("That was not asked here").await;
    browser.has_no_complaints().await;
}
