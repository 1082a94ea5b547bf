//! Who comes in, who does not, and who was there too long.

use grantd_browser_tests::{PASSWORD, Scripts};

use crate::House;

#[tokio::test]
async fn a_wrong_password_keeps_the_name_and_the_right_one_leads_where_one_was_going() {
    let house = House::new();
    let browser = house.browser(Scripts::On).await;
    browser.go("/developer/apps?search=x").await;
    assert!(browser.path().await.starts_with("/login?return_to="));
    browser.fill("#name", "maria").await;
    browser.fill("#password", "correct horse").await;
    browser.press("Sign in").await;
    browser.says("The name or the password is wrong.").await;
    assert_eq!(browser.value("#name").await, "maria");
    assert_eq!(browser.value("#password").await, "");
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.arrives_at("/developer/apps?search=x").await;
    browser.has_no_complaints().await;

    browser.press("Sign out").await;
    browser.arrives_at("/login").await;
    browser.back().await;
    browser.arrives_at("/login?return_to=%2Fdeveloper%2Fapps%3Fsearch%3Dx").await;
    assert!(browser.has("#password").await);
}

#[tokio::test]
async fn who_may_not_manage_the_system_is_told_so_and_sees_nothing() {
    let house = House::new();
    let browser = house.browser(Scripts::On).await;
    browser.sign_in("guest", PASSWORD).await;
    browser.arrives_at("/account").await;
    for path in ["/developer", "/developer/apps", "/developer/roles", "/developer/audit"] {
        browser.go(path).await;
        browser.says("You may not enter here").await;
        assert!(!browser.has("nav").await);
    }
    browser.press("Sign out").await;
    browser.arrives_at("/login").await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn a_session_that_ends_while_a_form_is_filled_in_leads_back_to_the_form() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    browser.go("/developer/apps/new").await;
    browser.fill("#name", "Nightly export").await;
    browser.fill("#description", "Ask Petra").await;
    house.server.end_other_sessions(&house.place, "maria", PASSWORD);
    browser.press("Create app").await;
    browser.says("Your session has ended").await;
    browser.fill("#name", "maria").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.arrives_at("/developer/apps/new").await;
    assert_eq!(browser.value("#name").await, "Nightly export", "what was typed is there again");
    assert_eq!(browser.value("#description").await, "Ask Petra");
    browser.press("Create app").await;
    browser.says("The app is created.").await;
    browser.go("/developer/apps/new").await;
    assert_eq!(browser.value("#name").await, "", "and only there");
    browser.has_no_complaints().await;
}
