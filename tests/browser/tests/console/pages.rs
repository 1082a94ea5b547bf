//! Every page as it looks: accessible in both themes, on a phone and on a desk, without a complaint of
//! the browser's.

use grantd_browser_tests::{Browser, Example, PASSWORD, Scripts};

const LOOKS: [(u32, &str); 4] = [(1440, "light"), (1440, "dark"), (360, "dark"), (360, "light")];

async fn in_every_look(browser: &Browser) {
    for (width, theme) in LOOKS {
        browser.look(width, theme).await;
        browser.is_accessible().await;
    }
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn every_page_is_accessible_in_both_themes_on_a_phone_and_on_a_desk() {
    let example = Example::start();
    let browser = Browser::open(&example.server, Scripts::On).await;
    browser.go("/login").await;
    in_every_look(&browser).await;
    browser.sign_in("maria", "wrong").await;
    in_every_look(&browser).await;

    browser.sign_in("guest", PASSWORD).await;
    browser.go("/developer/apps").await;
    browser.says("You may not enter here").await;
    in_every_look(&browser).await;

    browser.sign_in("maria", PASSWORD).await;
    for (_, path) in example.pages(&browser).await {
        browser.go(&path).await;
        in_every_look(&browser).await;
    }
}
