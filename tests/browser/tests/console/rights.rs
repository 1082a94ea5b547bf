//! Roles, permissions and users, as far as apps and people feel them.

use grantd_browser_tests::{PASSWORD, Scripts};

use crate::House;

#[tokio::test]
async fn a_role_is_made_given_and_taken_from_all_who_have_it() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    browser.go("/developer/permissions/new").await;
    browser.fill("#name", "pupils.write").await;
    browser.press("Create permission").await;
    browser.go("/developer/roles/new").await;
    browser.fill("#name", "registrar").await;
    browser.tick("permission", "pupils.write").await;
    browser.press("Create role").await;
    browser.says("registrar").await;

    browser.create_app("Pupils").await;
    let (id, secret) = (browser.text("#client-id").await, browser.text("#secret").await);
    browser.press("Permissions").await;
    browser.tick("role", "registrar").await;
    browser.says("pupils.write · new").await;
    browser.press("Save").await;
    browser.says("Saved.").await;
    let token = house.token(&id, &secret).unwrap();
    assert!(house.is_alive(&token));

    browser.go("/developer/roles/edit?name=registrar").await;
    browser.tick("permission", "pupils.write").await;
    browser.press("Save").await;
    browser.tick("confirmed", "pupils.write").await;
    browser.press("Save").await;
    browser.says("The role is saved.").await;
    assert!(!house.is_alive(&token), "what a role loses, its holders lose");
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn who_is_disabled_is_out_at_once() {
    let house = House::new();
    let maria = house.marias_browser(Scripts::On).await;
    let guest = house.browser(Scripts::On).await;
    guest.sign_in("guest", PASSWORD).await;
    guest.arrives_at("/account/sessions").await;

    maria.go("/developer/users").await;
    maria.press("guest").await;
    maria.press("Disable this user").await;
    maria.says("disabled").await;
    guest.reload().await;
    assert!(guest.path().await.starts_with("/login"));
    guest.sign_in("guest", PASSWORD).await;
    guest.says("The name or the password is wrong.").await;
    maria.has_no_complaints().await;
}
