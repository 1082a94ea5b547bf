//! People: their accounts, and their own passwords.

use grantd_browser_tests::{PASSWORD, Scripts};

use crate::House;

const OTHER: &str = "another horse, another staple";

#[tokio::test]
async fn who_changes_their_password_proves_the_present_one_and_is_out_everywhere_else() {
    let house = House::new();
    let here = house.marias_browser(Scripts::On).await;
    let there = house.marias_browser(Scripts::On).await;

    here.press("maria").await;
    here.arrives_at("/account").await;
    here.go("/account/sessions").await;
    here.says("Chrome on Linux").await;
    here.press("change your password").await;
    here.fill("#present", "not the present one").await;
    here.fill("#password", OTHER).await;
    here.fill("#again", OTHER).await;
    here.press("Change it").await;
    here.says("This is not your present password.").await;
    assert!(here.has("#present[aria-invalid='true']").await);
    assert_eq!(here.value("#present").await, "", "no page holds a password");
    there.reload().await;
    there.arrives_at("/developer").await;

    here.fill("#present", PASSWORD).await;
    here.fill("#password", OTHER).await;
    here.fill("#again", "something else again").await;
    here.press("Change it").await;
    here.says("The two are not the same.").await;
    here.fill("#present", PASSWORD).await;
    here.fill("#password", OTHER).await;
    here.fill("#again", OTHER).await;
    here.press("Change it").await;
    here.says("Your password is another one now, and your other sessions are over.").await;
    here.says("You are signed in nowhere else.").await;

    there.reload().await;
    assert!(there.path().await.starts_with("/login"), "the other session is over");
    there.sign_in("maria", PASSWORD).await;
    there.says("The name or the password is wrong.").await;
    there.sign_in("maria", OTHER).await;
    there.arrives_at("/developer").await;
    here.has_no_complaints().await;
}

#[tokio::test]
async fn a_user_is_made_gets_rights_and_is_disabled_under_their_hands() {
    let house = House::new();
    let maria = house.marias_browser(Scripts::On).await;
    maria.go("/developer/users").await;
    maria.press("New user").await;
    maria.fill("#name", "petra").await;
    maria.fill("#password", "short").await;
    maria.press("Create user").await;
    assert!(maria.has("#password[aria-invalid='true']").await);
    assert_eq!(maria.value("#name").await, "petra", "what was typed stays");
    maria.fill("#password", OTHER).await;
    maria.press("Create user").await;
    maria.says("The user is there, and may do nothing yet").await;

    let petra = house.browser(Scripts::On).await;
    petra.sign_in("petra", OTHER).await;
    petra.arrives_at("/account").await;
    petra.go("/developer/apps").await;
    petra.says("You may not enter here").await;
    maria.tick("permission", "manage_system").await;
    maria.press("Save").await;
    maria.says("Saved.").await;
    petra.go("/developer/apps/new").await;
    petra.fill("#name", "Petra's app").await;

    maria.press("Disable this user").await;
    maria.says("The user is disabled").await;
    petra.press("Create app").await;
    petra.says("Your session has ended").await;
    petra.sign_in("petra", OTHER).await;
    petra.says("The name or the password is wrong.").await;
    maria.go("/developer/apps").await;
    assert!(!maria.is_saying("Petra's app").await, "nothing was made after the end");

    maria.go("/developer/users").await;
    maria.press("petra").await;
    maria.press("Enable this user").await;
    maria.says("The user is enabled").await;
    petra.sign_in("petra", OTHER).await;
    petra.arrives_at("/developer").await;
    maria.has_no_complaints().await;
}
