//! Everything once more for who has switched scripts off.

use grantd_browser_tests::Scripts;

use crate::House;

#[tokio::test]
async fn the_console_works_without_scripts() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::Off).await;
    browser.create_app("Plain").await;
    let path = browser.path().await.split('?').next().unwrap().to_owned();
    let (id, secret) = (browser.text("#client-id").await, browser.text("#secret").await);
    let buttons = browser.text("main").await;
    assert!(!buttons.contains("Copy the command"), "what does not work is not offered");

    browser.press("Permissions").await;
    browser.tick("permission", "view_schools").await;
    browser.press("Save").await;
    browser.says("Saved.").await;
    let token = house.token(&id, &secret).unwrap();
    browser.tick("permission", "view_schools").await;
    browser.press("Save").await;
    browser.says("Tick this box, then save again.").await;
    browser.tick("confirmed", "yes").await;
    browser.press("Save").await;
    browser.says("All tokens that the app had are dead.").await;
    assert!(!house.is_alive(&token));

    browser.press("Secrets").await;
    browser.press("Rotate the secret").await;
    browser.says("There is a new secret.").await;
    let new = browser.text("#secret").await;
    assert!(house.token(&id, &secret).is_some() && house.token(&id, &new).is_some());

    browser.go(&format!("{path}/danger")).await;
    browser.fill("#revoke", "Plain").await;
    browser.press("Revoke this app").await;
    browser.says("The app is revoked").await;
    assert_eq!(house.token(&id, &new), None);

    browser.go("/developer/apps").await;
    browser.fill("#search", "nowhere").await;
    browser.press("Show").await;
    browser.says("No app is like that.").await;
    browser.press("Sign out").await;
    browser.arrives_at("/login").await;
    browser.back().await;
    browser.says("Password").await;
}
