//! APIs: what tokens are for, made and changed by a form that keeps what was typed.

use grantd_browser_tests::Scripts;

use crate::House;

#[tokio::test]
async fn an_api_is_made_and_changed_and_what_is_wrong_stands_at_its_field() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    browser.go("/developer/apis").await;
    browser.press("New API").await;
    browser.fill("#name", "billing").await;
    browser.fill("#audience", "billing.example").await;
    browser.fill("#access_token_ttl", "15m").await;
    browser.press("Create API").await;
    browser.says("Write an absolute URI without fragment").await;
    assert!(browser.has("#audience[aria-invalid='true'] + .wrong").await, "it stands at the field");
    assert!(!browser.has("#name[aria-invalid]").await);
    assert_eq!(browser.value("#name").await, "billing", "what was typed stays");
    assert_eq!(browser.value("#audience").await, "billing.example");
    assert_eq!(browser.value("#access_token_ttl").await, "15m");

    browser.fill("#audience", "https://billing.example").await;
    browser.fill("#access_token_ttl", "soon").await;
    browser.press("Create API").await;
    browser.says("Write it like 90s, 15m, 1h or 30d").await;
    browser.fill("#access_token_ttl", "15m").await;
    browser.press("Create API").await;
    browser.says("The API is there").await;
    assert_eq!(house.api("billing")["access_token_ttl"], 900);

    browser.press("billing").await;
    assert!(!browser.has("#audience").await, "an audience stays as it is");
    browser.fill("#access_token_ttl", "5m").await;
    browser.press("Save").await;
    browser.says("The API is saved").await;
    assert_eq!(house.api("billing")["access_token_ttl"], 300);

    browser.go("/developer/apis/new").await;
    browser.fill("#name", "other").await;
    browser.fill("#audience", "https://billing.example").await;
    browser.press("Create API").await;
    browser.says("There is an API of this name, or with this audience, already.").await;
    assert_eq!(browser.value("#name").await, "other");
    browser.has_no_complaints().await;
}

impl House {
    /// An API, as the command line shows it.
    fn api(&self, name: &str) -> serde_json::Value {
        self.place.grantd(&format!("api show {name}"))
    }
}
