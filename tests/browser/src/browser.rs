//! A headless Chromium, driven in the words of somebody who sits before it.

use std::{path::Path, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use thirtyfour::{
    By, CapabilitiesHelper as _, ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver,
    WebElement,
};

use crate::{driver::Driver, place::Running};

/// How long a page may take to become what a test waits for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// As nearly everybody has it.
    On,
    /// As the careful have it.
    Off,
}

/// One browser with one window, on one grantd.
pub struct Browser {
    pub(crate) page: WebDriver,
    base: String,
    _driver: Driver,
}

impl Browser {
    /// Opens a browser that nobody has used; it is closed when it is dropped.
    pub async fn open(server: &Running, scripts: Scripts) -> Self {
        let driver = Driver::start();
        let mut wishes = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            // Containers run as root, and have little shared memory.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--force-color-profile=srgb",
            "--hide-scrollbars",
            "--window-size=1440,900",
        ] {
            wishes.add_arg(argument).unwrap();
        }
        wishes.set("goog:loggingPrefs", json!({ "browser": "ALL" })).unwrap();
        if scripts == Scripts::Off {
            let setting = "profile.managed_default_content_settings.javascript";
            wishes.add_experimental_option("prefs", json!({ setting: 2 })).unwrap();
        }
        let page = WebDriver::new(&driver.address, wishes).await.unwrap();
        // Its driver ends with it, and the browser with that: nobody needs to say goodbye.
        page.clone().leak().unwrap();
        let browser = Self { page, base: server.base.clone(), _driver: driver };
        browser.page.set_implicit_wait_timeout(PATIENCE).await.unwrap();
        let permissions =
            json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        browser.tell("Browser.grantPermissions", permissions).await;
        browser
    }

    /// Goes to a page by its path.
    pub async fn go(&self, path: &str) {
        self.page.goto(format!("{}{path}", self.base)).await.unwrap();
    }

    /// Signs in from the login page; the account's console follows.
    pub async fn sign_in(&self, name: &str, password: &str) {
        self.go("/login").await;
        self.fill("#name", name).await;
        self.fill("#password", password).await;
        self.press("Sign in").await;
    }

    /// Path and query of where it is.
    pub async fn path(&self) -> String {
        let url = self.page.current_url().await.unwrap();
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", url.path())
    }

    /// Fails unless it is at this path and query, now or soon.
    pub async fn arrives_at(&self, path: &str) {
        for _ in 0..100 {
            if self.path().await == path {
                return;
            }
            tokio::time::sleep(PATIENCE / 100).await;
        }
        panic!("at {}, not at {path}: {}", self.path().await, self.text("body").await);
    }

    /// The element, when it is there.
    pub async fn find(&self, css: &str) -> WebElement {
        match self.page.find(By::Css(css)).await {
            Ok(found) => found,
            Err(error) => panic!("no {css} on {}: {error}", self.path().await),
        }
    }

    /// What an element shows.
    pub async fn text(&self, css: &str) -> String {
        let found = self.page.find(By::Css(css)).await.unwrap();
        found.text().await.unwrap()
    }

    /// What a field holds.
    pub async fn value(&self, css: &str) -> String {
        self.find(css).await.value().await.unwrap().unwrap_or_default()
    }

    /// Whether there is such an element at this moment.
    pub async fn has(&self, css: &str) -> bool {
        let script = "return document.querySelector(arguments[0]) !== null";
        self.run(script, json!(css)).await.as_bool().unwrap()
    }

    /// Fails unless the page says this, now or soon.
    pub async fn says(&self, text: &str) {
        let mut shown = String::new();
        for _ in 0..100 {
            shown = self.page.source().await.unwrap_or_default();
            let body = self.page.find(By::Tag("body")).await.unwrap();
            shown = body.text().await.unwrap_or(shown);
            if shown.contains(text) {
                return;
            }
            tokio::time::sleep(PATIENCE / 100).await;
        }
        panic!("{} does not say {text:?}, but: {shown}", self.path().await);
    }

    /// Whether the page says this at this moment.
    pub async fn is_saying(&self, text: &str) -> bool {
        self.text("body").await.contains(text)
    }

    /// Types into a field, in place of what is in it.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Clicks on an element.
    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Clicks on the button or link that says this.
    pub async fn press(&self, label: &str) {
        let found =
            format!("//*[self::button or self::a or self::summary][normalize-space()='{label}']");
        match self.page.find(By::XPath(&found)).await {
            Ok(button) => button.click().await.unwrap(),
            Err(error) => panic!("no button {label} on {}: {error}", self.path().await),
        }
    }

    /// Ticks a box, or takes the tick away.
    pub async fn tick(&self, name: &str, value: &str) {
        self.click(&format!("input[name='{name}'][value='{value}']")).await;
    }

    /// The back button.
    pub async fn back(&self) {
        self.page.back().await.unwrap();
    }

    /// Runs a script with one argument.
    pub async fn run(&self, script: &str, argument: Value) -> Value {
        self.page.execute(script, vec![argument]).await.unwrap().json().clone()
    }

    /// Runs a script with one argument and waits for what it hands to its last one.
    pub async fn wait_for(&self, script: &str, argument: Value) -> Value {
        self.page.execute_async(script, vec![argument]).await.unwrap().json().clone()
    }

    /// From now on downloads go into this folder.
    pub async fn saves_into(&self, folder: &Path) {
        let words = json!({ "behavior": "allow", "downloadPath": folder });
        self.tell("Browser.setDownloadBehavior", words).await;
    }

    /// Says something to the browser itself (Chrome DevTools Protocol).
    pub async fn tell(&self, method: &str, words: Value) -> Value {
        self.page.cdp().send_raw(method, words).await.unwrap()
    }

    /// A window of this width, in a theme: `light` or `dark`.
    pub async fn look(&self, width: u32, theme: &str) {
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", size).await;
        let theme = json!({ "name": "prefers-color-scheme", "value": theme });
        // Nothing is measured, or pictured, on its way from one colour to another.
        let motion = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        let features = json!({ "features": [theme, motion] });
        self.tell("Emulation.setEmulatedMedia", features).await;
    }

    /// Fails if the browser complained since it was last asked: of scripts, of the content security
    /// policy, of files that are not there. That a page came with a status of 4xx is no complaint.
    pub async fn has_no_complaints(&self) {
        for entry in self.page.get_log("browser").await.unwrap() {
            let asset = entry.message.contains("/assets/");
            let status = entry.message.contains("Failed to load resource") && !asset;
            assert!(status, "the browser complains: {}", entry.message);
        }
    }
}

impl Browser {
    /// The links in the body of a page to pages below a path, one of each kind: path and query.
    pub(crate) async fn links_below(&self, page: &str, below: &str) -> Vec<String> {
        self.go(page).await;
        let script = "const kinds = new Map(); \
                      for (const a of document.querySelectorAll('main a')) \
                      if (a.pathname.startsWith(arguments[0] + '/') && !kinds.has(a.pathname)) \
                      kinds.set(a.pathname, a.pathname + a.search); \
                      return [...kinds.values()]";
        let links = self.run(script, json!(below)).await;
        let paths = links.as_array().into_iter().flatten().filter_map(Value::as_str);
        paths.map(str::to_owned).collect()
    }
}

impl Browser {
    /// Makes an app by the form; its page with the secret follows.
    pub async fn create_app(&self, name: &str) {
        self.go("/developer/apps/new").await;
        self.fill("#name", name).await;
        self.press("Create app").await;
        self.says("The app is created.").await;
    }

    /// The whole page as PNG, however high it is.
    pub async fn picture(&self) -> Vec<u8> {
        let height = self.run("return document.documentElement.scrollHeight", json!(null)).await;
        let width = self.run("return innerWidth", json!(null)).await;
        let area = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let words = json!({ "format": "png", "captureBeyondViewport": true, "clip": area });
        let picture = self.tell("Page.captureScreenshot", words).await;
        BASE64_STANDARD.decode(picture["data"].as_str().unwrap_or_default()).unwrap()
    }
}

impl Browser {
    /// Goes to an address anywhere.
    pub async fn visit(&self, address: &str) {
        self.page.goto(address).await.unwrap();
    }

    /// The whole address of where it is.
    pub async fn address(&self) -> String {
        self.page.current_url().await.unwrap().to_string()
    }

    /// Fails unless it is at this address, whatever the query, now or soon. Nobody need be there.
    pub async fn has_left_for(&self, address: &str) {
        for _ in 0..100 {
            if self.address().await.split('?').next() == Some(address) {
                return;
            }
            tokio::time::sleep(PATIENCE / 100).await;
        }
        panic!("at {}, not at {address}: {}", self.address().await, self.text("body").await);
    }

    /// Does something on a page in another tab, and comes back.
    pub async fn in_another_tab(&self, path: &str, what: impl AsyncFnOnce()) {
        let here = self.page.window().await.unwrap();
        let tab = self.page.new_tab().await.unwrap();
        self.page.switch_to_window(tab).await.unwrap();
        self.go(path).await;
        what().await;
        self.page.close_window().await.unwrap();
        self.page.switch_to_window(here).await.unwrap();
    }

    /// The reload button.
    pub async fn reload(&self) {
        self.page.refresh().await.unwrap();
    }

    /// Whether the text stands anywhere in the page, shown or not.
    pub async fn holds(&self, text: &str) -> bool {
        self.page.source().await.unwrap().contains(text)
    }
}
