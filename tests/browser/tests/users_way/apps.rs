//! Two real apps, from the first click to the end: one in a page, one with a server of its own.

use grantd_browser_tests::{PageApp, WebApp, sample_api};

use crate::{House, open, sign_in};

#[tokio::test]
async fn an_app_in_a_page_gets_a_token_calls_an_api_refreshes_and_disconnects() {
    let (house, page) = (House::new(), PageApp::start().await);
    let (id, _) = house.app("School map", &format!("{}/callback", page.origin), "--public");
    let server = house.place.serve();
    let api = sample_api(&server, house.resource_server()).await;
    page.tell(&server, &id, &api);
    let browser = open(&server).await;

    browser.visit(&page.origin).await;
    browser.says("Not connected").await;
    browser.press("Connect").await;
    sign_in(&browser, "maria").await;
    browser.says("Allow School map to act for you?").await;
    assert!(browser.is_saying("See the list of schools").await);
    browser.press("Allow").await;
    // maria may not write pupils, whatever the app asks for.
    browser.says("Connected, with: view_schools").await;
    assert_eq!(browser.address().await, format!("{}/", page.origin));
    let maria = house.place.grantd("user show maria")["user_id"].as_str().unwrap().to_owned();
    let schools = format!("Schools of {maria}: Hillside School, Lakeview Academy");
    browser.press("Show schools").await;
    browser.says(&schools).await;
    browser.press("Refresh").await;
    browser.says("Refreshed: access token new, refresh token new").await;
    browser.press("Show schools").await;
    browser.says(&schools).await;
    browser.press("Disconnect").await;
    browser.says("Disconnected").await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    browser.press("Show schools").await;
    browser.says("Refused: 401 invalid_token").await;
    browser.press("Refresh").await;
    browser.says("Refused: 400 invalid_grant").await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn a_no_is_told_to_the_app_and_asked_again_the_next_time() {
    let (house, page) = (House::new(), PageApp::start().await);
    let (id, _) = house.app("School map", &format!("{}/callback", page.origin), "--public");
    let server = house.place.serve();
    page.tell(&server, &id, "http://127.0.0.1:1");
    let browser = open(&server).await;
    browser.visit(&page.origin).await;
    browser.press("Connect").await;
    sign_in(&browser, "maria").await;
    browser.press("Cancel").await;
    browser.says("Refused: access_denied").await;
    // Nobody can be sure of a public client, so even who said yes is asked again.
    for _ in 0..2 {
        browser.press("Connect").await;
        browser.press("Allow").await;
        browser.says("Connected, with: view_schools").await;
    }
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn a_web_program_is_allowed_once_and_refreshes_by_itself() {
    let house = House::new();
    // Any port of this machine.
    let (id, secret) = house.app("Timetable", "http://127.0.0.1/callback", "");
    let server = house.place.serve();
    let api = sample_api(&server, house.resource_server()).await;
    let app = WebApp::start(&server, (&id, &secret), &api);
    let browser = open(&server).await;

    browser.visit(&app.origin).await;
    browser.press("Connect").await;
    sign_in(&browser, "maria").await;
    browser.says("Allow Timetable to act for you?").await;
    browser.press("Allow").await;
    browser.says("Connected, with: view_schools").await;
    browser.press("Show schools").await;
    browser.says("Hillside School, Lakeview Academy").await;
    browser.press("An hour later").await;
    browser.says("The refresh token is new").await;
    assert!(browser.is_saying("Hillside School").await);
    browser.press("Connect").await;
    browser.says("Connected, with: view_schools").await;
    assert!(browser.address().await.starts_with(&app.origin), "not asked again");
    house.place.grantd("user update maria --remove-permission view_schools");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    browser.press("Show schools").await;
    browser.says("Refused: 401").await;
    browser.has_no_complaints().await;
}
