//! Forms that are sent twice, and forms that two people send.

use grantd_browser_tests::Scripts;
use serde_json::json;

use crate::House;

impl House {
    /// How many apps have this name.
    fn count(&self, name: &str) -> usize {
        let listed = self.place.grantd(&format!("client list --search {name}")).to_string();
        listed.matches("\"client_id\"").count()
    }
}

#[tokio::test]
async fn a_form_sent_twice_makes_one_app() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    browser.go("/developer/apps/new").await;
    browser.fill("#name", "Clicked").await;
    let twice = "const button = document.querySelector('.buttons button'); \
                 button.click(); button.click()";
    browser.run(twice, json!(null)).await;
    browser.says("The app is created.").await;
    assert!(browser.has("#secret").await, "the one app's secret is shown");
    assert_eq!(house.count("Clicked"), 1);

    browser.go("/developer/apps/new").await;
    browser.fill("#name", "Again").await;
    let send = "const form = document.querySelector('main form'); \
                return fetch(form.action, { method: 'POST', redirect: 'manual', \
                body: new URLSearchParams(new FormData(form)) }).then(() => true)";
    browser.run(send, json!(null)).await;
    browser.press("Create app").await;
    browser.says("The app is created.").await;
    assert_eq!(house.count("Again"), 1);
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn who_saves_over_somebody_elses_change_is_told_so() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    browser.create_app("Shared").await;
    let path = browser.path().await.split('?').next().unwrap().to_owned();
    let id = browser.text("#client-id").await;

    browser.go(&format!("{path}/edit")).await;
    browser.fill("#description", "Mine").await;
    house.place.grantd(&format!("client update {id} --description Theirs"));
    browser.press("Save").await;
    browser.says("Not saved").await;
    assert_eq!(browser.value("#description").await, "Mine", "what was typed stays");
    browser.press("Save").await;
    browser.says("Saved.").await;
    browser.says("Mine").await;

    browser.go(&format!("{path}/permissions")).await;
    browser.tick("permission", "view_schools").await;
    house.place.grantd(&format!("client update {id} --description Theirs"));
    browser.press("Save").await;
    browser.says("Not saved").await;
    let ticked = "return document.querySelector(\"[value='view_schools']\").checked";
    assert_eq!(browser.run(ticked, json!(null)).await, json!(true), "what was ticked stays");
    browser.press("Save").await;
    browser.says("Saved.").await;
    browser.has_no_complaints().await;
}
