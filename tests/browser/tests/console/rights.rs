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
    guest.arrives_at("/account").await;

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

#[tokio::test]
async fn a_role_and_a_permission_are_deleted_by_who_was_told_what_dies() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    browser.create_app("Invoices").await;
    let path = browser.path().await.split('?').next().unwrap().to_owned();
    let (id, secret) = (browser.text("#client-id").await, browser.text("#secret").await);
    browser.press("Permissions").await;
    browser.tick("role", "reader").await;
    browser.tick("permission", "view_schools").await;
    browser.says("view_schools · new").await;
    browser.press("Save").await;
    browser.says("Saved.").await;
    let token = house.token(&id, &secret).unwrap();

    browser.go("/developer/roles").await;
    browser.click("[aria-label='Delete role reader']").await;
    browser.says("Everybody who has the role loses what only it gives them: invoices.read.").await;
    browser.press("Keep it").await;
    browser.arrives_at("/developer/roles").await;
    assert!(house.is_alive(&token), "who only looked has done nothing");
    browser.click("[aria-label='Delete role reader']").await;
    browser.press("Delete this role").await;
    browser.says("The role is deleted.").await;
    assert!(!browser.has("[aria-label='Delete role reader']").await);
    assert!(!house.is_alive(&token));
    let token = house.token(&id, &secret).unwrap();
    assert!(house.is_alive(&token), "what else it may do, it may do");

    browser.click("[aria-label='Delete permission view_schools']").await;
    browser.says("It goes out of all roles and from all apps that have it").await;
    browser.press("Delete this permission").await;
    browser.says("The permission is deleted.").await;
    assert!(!browser.is_saying("view_schools").await);
    assert!(!house.is_alive(&token));
    browser.go(&format!("{path}/permissions")).await;
    assert!(!browser.is_saying("view_schools").await, "nor can it be given any more");

    browser.go("/developer/roles").await;
    let keeps = "[aria-label='Delete permission manage_system']";
    assert!(!browser.has(keeps).await, "without it nobody could come in");
    browser.has_no_complaints().await;
}
