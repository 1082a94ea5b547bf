//! The audit log: filtered, taken away as a file, verified, and caught out when somebody altered it.

use grantd_browser_tests::{Browser, Scripts};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::House;

/// What the browser saves when somebody clicks on this link: its name and its text.
async fn saved(browser: &Browser, label: &str) -> (String, String) {
    let script = "const [label, done] = arguments; \
                  const link = [...document.links].find(a => a.textContent === label); \
                  fetch(link.href).then(async answer => \
                  done([answer.headers.get('content-disposition'), await answer.text()]))";
    let told = browser.wait_for(script, json!(label)).await;
    let text = |at: usize| told[at].as_str().unwrap().to_owned();
    (text(0), text(1))
}

#[tokio::test]
async fn the_log_is_saved_as_csv_and_json_as_it_is_filtered() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    browser.create_app("=Export, nightly").await;
    let id = browser.text("#client-id").await;
    house.place.grantd(&format!("client update {id} --description Later"));

    browser.go("/developer/audit").await;
    let (name, whole) = saved(&browser, "JSON").await;
    assert_eq!(name, "attachment; filename=\"grantd-audit.json\"");
    let whole: Value = serde_json::from_str(&whole).unwrap();
    let seqs: Vec<_> =
        whole.as_array().unwrap().iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    let newest = u64::try_from(seqs.len()).unwrap();
    assert_eq!(seqs, (1..=newest).rev().collect::<Vec<_>>(), "all of it, the newest first");

    browser.fill("#object", &format!("client:{id}")).await;
    browser.press("Show").await;
    browser.says("Save all changes like these").await;
    let (name, lines) = saved(&browser, "CSV").await;
    assert_eq!(name, "attachment; filename=\"grantd-audit.csv\"");
    let lines: Vec<_> = lines.split_terminator("\r\n").collect();
    assert_eq!(lines[0], "seq,at,actor,address,action,object,before,after,hash");
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[1].contains(",client.update,") && lines[2].contains(",client.create,"));
    assert!(lines[2].contains("127.0.0.1") && lines[2].contains("=Export, nightly"));

    // The link itself, as somebody clicks on it: the browser saves it and stays where it is.
    let files = house.place.path().join("saved");
    browser.saves_into(&files).await;
    browser.press("CSV").await;
    let file = House::appears(&files.join("grantd-audit.csv")).await;
    assert_eq!(file.split_terminator("\r\n").collect::<Vec<_>>(), lines);
    assert!(browser.path().await.starts_with("/developer/audit?object="));
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn the_log_is_verified_and_who_altered_it_is_caught() {
    let house = House::new();
    let browser = house.marias_browser(Scripts::On).await;
    browser.go("/developer/audit").await;
    browser.press("Verify the log").await;
    browser.says("none altered, removed or reordered").await;
    assert_eq!(browser.text("#hash").await.len(), 64);

    let open = Connection::open(house.place.path().join("grantd.db")).unwrap();
    open.execute("UPDATE audit SET actor = 'cli:nobody' WHERE seq = 2", []).unwrap();
    browser.reload().await;
    browser.says("Somebody changed the database past grantd").await;
    assert!(!browser.has("#hash").await);
    browser.has_no_complaints().await;
}

impl House {
    /// What is in a file, once it is there.
    async fn appears(path: &std::path::Path) -> String {
        for _ in 0..100 {
            if let Ok(text) = std::fs::read_to_string(path) {
                return text;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{} was not saved", path.display());
    }
}
