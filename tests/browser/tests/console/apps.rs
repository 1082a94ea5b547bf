//! The life of an app, from the form that makes it to its restoration.

use grantd_browser_tests::{Browser, Running, Scripts};
use serde_json::json;

use crate::House;

/// Makes an app; its path, its id and the secret that is shown.
async fn created(browser: &Browser, name: &str) -> (String, String, String) {
    browser.create_app(name).await;
    let path = browser.path().await.split('?').next().unwrap().to_owned();
    (path, browser.text("#client-id").await, browser.text("#secret").await)
}

#[tokio::test]
async fn a_secret_is_shown_once_and_works_as_it_is_shown() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    let (path, _, secret) = created(&browser, "Nightly export").await;

    browser.press("Copy the command").await;
    browser.says("Copied").await;
    let line = browser.run("return navigator.clipboard.readText()", json!(null)).await;
    let line = line.as_str().unwrap();
    assert!(line.contains(&secret), "{line}");
    let answer = Running::paste(line);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(house.is_alive(answer.json["access_token"].as_str().unwrap()));

    browser.reload().await;
    assert!(!browser.has("#secret").await, "after a reload");
    browser.press("Permissions").await;
    browser.back().await;
    assert!(!browser.has("#secret").await, "by the back button");
    browser.go(&path).await;
    assert!(!browser.holds(&secret).await, "on the page as it is later");
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn what_is_taken_away_is_previewed_confirmed_and_then_dead() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    let (path, id, secret) = created(&browser, "Nightly export").await;

    browser.press("Permissions").await;
    browser.run("window.stayed = true", json!(null)).await;
    browser.tick("permission", "view_schools").await;
    browser.says("view_schools · new").await;
    browser.tick("role", "reader").await;
    browser.says("invoices.read · new").await;
    let stayed = browser.run("return window.stayed === true", json!(null)).await;
    assert_eq!(stayed, json!(true), "the preview is no reload");
    browser.press("Save").await;
    browser.says("Saved.").await;
    let token = house.token(&id, &secret).unwrap();
    assert!(house.is_alive(&token));

    browser.go(&format!("{path}/permissions")).await;
    browser.tick("role", "reader").await;
    browser.says("This takes something away: invoices.read, role reader").await;
    browser.press("Save").await;
    browser.says("Tick this box, then save again.").await;
    assert!(house.is_alive(&token), "nothing was taken away yet");
    browser.tick("confirmed", "yes").await;
    browser.press("Save").await;
    browser.says("All tokens that the app had are dead.").await;
    assert!(!house.is_alive(&token));
    assert!(house.is_alive(&house.token(&id, &secret).unwrap()), "the next one lives");
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn a_rotation_overlaps_and_does_not_end_under_somebody() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    let (path, id, old) = created(&browser, "Nightly export").await;

    browser.press("Secrets").await;
    browser.press("Rotate the secret").await;
    browser.says("There is a new secret.").await;
    let new = browser.text("#secret").await;
    assert!(house.token(&id, &new).is_some(), "the new one works");
    browser.go(&format!("{path}/secrets")).await;
    let early = house.token(&id, &old).unwrap();
    house.is_recorded(&id).await;

    browser.press("Finish the rotation").await;
    browser.says("Not finished: the old secret was used at").await;
    browser.says("from 127.0.0.1").await;
    assert!(house.is_alive(&early));
    browser.press("Finish anyway").await;
    browser.says("The rotation is finished").await;
    assert_eq!(house.token(&id, &old), None);
    assert!(!house.is_alive(&early), "tokens of the old secret die with it");
    assert!(house.token(&id, &new).is_some());
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn an_app_is_revoked_deleted_and_restored_by_who_types_its_name() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    let (path, id, secret) = created(&browser, "Nightly export").await;
    let token = house.token(&id, &secret).unwrap();

    browser.press("Danger zone").await;
    browser.fill("#revoke", "nightly").await;
    browser.press("Revoke this app").await;
    browser.says("That is not the app's name.").await;
    assert!(house.is_alive(&token));
    browser.fill("#revoke", "Nightly export").await;
    browser.press("Revoke this app").await;
    browser.says("The app is revoked").await;
    assert!(!house.is_alive(&token));
    assert_eq!(house.token(&id, &secret), None);

    browser.fill("#delete", "Nightly export").await;
    browser.press("Delete this app").await;
    browser.says("The app is deleted").await;
    browser.go("/developer/apps").await;
    assert!(!browser.is_saying("Nightly export").await);
    browser.go("/developer/apps?state=deleted").await;
    browser.press("Nightly export").await;
    browser.press("Restore it").await;
    browser.press("Restore").await;
    browser.says("The app is restored.").await;
    assert!(!house.is_alive(&token), "tokens from before stay dead");
    assert!(house.is_alive(&house.token(&id, &secret).unwrap()));

    browser.go(&format!("{path}/activity")).await;
    browser.says("client.restore").await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn one_secret_ends_with_its_tokens_and_no_others() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    let (path, id, old) = created(&browser, "Nightly export").await;
    browser.go(&format!("{path}/secrets")).await;
    browser.press("Rotate the secret").await;
    browser.says("There is a new secret.").await;
    let new = browser.text("#secret").await;
    let (by_old, by_new) = (house.token(&id, &old).unwrap(), house.token(&id, &new).unwrap());

    browser.go(&format!("{path}/secrets")).await;
    // The newest stands first.
    let last = "tbody tr:last-child";
    browser.click(&format!("{last} summary")).await;
    browser.says("The tokens that it obtained die, no others.").await;
    browser.click(&format!("{last} button.danger")).await;
    browser.says("The secret and its tokens are dead.").await;
    assert!(browser.text(last).await.contains("ended"));
    assert_eq!(house.token(&id, &old), None);
    assert!(!house.is_alive(&by_old));
    assert!(house.is_alive(&by_new), "what the other secret obtained lives");
    assert!(house.token(&id, &new).is_some());
    browser.has_no_complaints().await;
}
