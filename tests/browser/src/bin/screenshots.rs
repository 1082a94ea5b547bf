//! `cargo xtask screenshots`: a picture of every page, on a phone and on a desk, light and dark.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool for who works on the console"
)]

use std::{fs, path::PathBuf};

use grantd_browser_tests::{Browser, Example, PASSWORD, Scripts};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // The one word: where to.
    let folder = PathBuf::from(std::env::args().nth(1).unwrap());
    fs::create_dir_all(&folder).unwrap();
    let example = Example::start();
    let browser = Browser::open(&example.server, Scripts::On).await;
    let mut count = 0;
    let mut picture = async |name: &str| {
        for (width, theme) in [(1440, "light"), (1440, "dark"), (360, "light"), (360, "dark")] {
            browser.look(width, theme).await;
            let file = folder.join(format!("{name}-{width}-{theme}.png"));
            fs::write(file, browser.picture().await).unwrap();
            count += 1;
        }
    };
    browser.go("/login").await;
    picture("login").await;
    browser.sign_in("maria", "wrong").await;
    picture("login-wrong").await;
    browser.sign_in("guest", PASSWORD).await;
    browser.go("/developer/apps").await;
    picture("no-entry").await;
    browser.sign_in("maria", PASSWORD).await;
    for (name, path) in example.pages(&browser).await {
        browser.go(&path).await;
        picture(&name).await;
    }
    browser.create_app("Calendar sync").await;
    picture("app-secret-once").await;
    println!("{count} pictures in {}", folder.display());
}
