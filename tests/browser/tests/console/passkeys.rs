//! Passkeys in a real browser, on a device that Chromium plays.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use grantd_browser_tests::{Browser, Device, PASSWORD, Person, Scripts};
use serde_json::json;

use crate::House;

const BUTTON: &str = "Sign in with a passkey";

impl House {
    /// A browser in which maria has added a passkey and signed out again.
    async fn browser_with_passkey(&self) -> (Browser, Device) {
        let browser = self.marias_browser(Scripts::On).await;
        let device = browser.device().await;
        browser.has_no_list().await;
        add(&browser, "My laptop").await;
        sign_out(&browser).await;
        (browser, device)
    }
}

async fn add(browser: &Browser, name: &str) {
    browser.go("/account/passkeys").await;
    browser.fill("#name", name).await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Add a passkey").await;
    browser.says("The passkey is added").await;
    browser.says(name).await;
}

async fn sign_out(browser: &Browser) {
    browser.press("Sign out").await;
    browser.arrives_at("/login").await;
}

#[tokio::test]
async fn a_passkey_is_added_signs_in_and_is_refused_once_it_is_removed() {
    let house = House::with_a_name();
    let (browser, device) = house.browser_with_passkey().await;
    assert_eq!(browser.passkeys(&device).await.len(), 1);
    browser.go("/developer/apps?search=x").await;
    browser.press(BUTTON).await;
    browser.arrives_at("/developer/apps?search=x").await;
    browser.go("/account/passkeys").await;
    assert!(!browser.is_saying("never used").await);
    browser.has_no_complaints().await;

    browser.press("Remove").await;
    browser.says("The passkey is removed").await;
    browser.says("You have no passkeys yet.").await;
    sign_out(&browser).await;
    browser.press(BUTTON).await;
    browser.says("This passkey opens no account here.").await;
    browser.sign_in("maria", PASSWORD).await;
    browser.arrives_at("/developer").await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn the_field_of_the_name_offers_the_passkey_too() {
    let house = House::with_a_name();
    let browser = house.marias_browser(Scripts::On).await;
    browser.device().await;
    add(&browser, "My laptop").await;
    // Chromium's own device takes the offer of the list at once, and here it is taken.
    browser.press("Sign out").await;
    browser.arrives_at("/developer").await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn a_copy_another_s_name_and_an_unrecognised_owner_are_refused() {
    let house = House::with_a_name();
    let (browser, device) = house.browser_with_passkey().await;
    browser.press(BUTTON).await;
    browser.arrives_at("/developer").await;
    sign_out(&browser).await;
    let own = browser.passkeys(&device).await.remove(0);

    let mut copy = own.clone();
    copy["signCount"] = json!(0);
    browser.replace(&device, &copy).await;
    browser.press(BUTTON).await;
    browser.says("This passkey opens no account here.").await;

    let mut other = own.clone();
    other["userHandle"] = json!(BASE64_STANDARD.encode([7; 16]));
    other["signCount"] = json!(100);
    browser.replace(&device, &other).await;
    browser.go("/login").await;
    browser.press(BUTTON).await;
    browser.says("This passkey opens no account here.").await;

    let mut fresh = own;
    fresh["signCount"] = json!(100);
    browser.replace(&device, &fresh).await;
    browser.sees(&device, Person::Stranger).await;
    browser.go("/login").await;
    browser.press(BUTTON).await;
    browser.says("Nothing was signed").await;
    browser.sees(&device, Person::Owner).await;
    browser.press(BUTTON).await;
    browser.arrives_at("/developer").await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn a_wrong_password_and_a_second_passkey_on_one_device_are_told_on_the_page() {
    let house = House::with_a_name();
    let browser = house.marias_browser(Scripts::On).await;
    browser.device().await;
    browser.has_no_list().await;
    browser.go("/account/passkeys").await;
    browser.fill("#name", "My laptop").await;
    browser.fill("#password", "wrong").await;
    browser.press("Add a passkey").await;
    browser.says("This is not your present password.").await;
    assert_eq!(browser.value("#name").await, "My laptop", "what was typed stays");
    browser.is_accessible().await;
    add(&browser, "My laptop").await;
    browser.fill("#name", "Again").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Add a passkey").await;
    browser.says("You have a passkey on this device already.").await;
    house.server.end_other_sessions(&house.place, "maria", PASSWORD);
    browser.press("Add a passkey").await;
    browser.says("Your session has ended").await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn without_scripts_or_a_name_there_is_the_password_and_a_reason() {
    let house = House::with_a_name();
    let browser = house.marias_browser(Scripts::Off).await;
    browser.go("/account/passkeys").await;
    browser.says("A browser needs scripts").await;
    browser.press("Sign out").await;
    browser.arrives_at("/login").await;
    assert!(!browser.is_saying(BUTTON).await);

    let nameless = House::new();
    let browser = nameless.browser(Scripts::On).await;
    browser.go("/login").await;
    assert!(!browser.is_saying(BUTTON).await);
    browser.sign_in("maria", PASSWORD).await;
    browser.arrives_at("/developer").await;
    browser.go("/account/passkeys").await;
    browser.says("This server cannot have passkeys").await;
    browser.is_accessible().await;
    browser.has_no_complaints().await;
}
