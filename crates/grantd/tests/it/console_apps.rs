//! The console's pages of an app: what its forms do, once, and what they refuse.

use super::{
    console_pages::{Office, hidden},
    tokens::ask,
};

/// The text of the page's element that shows a new secret.
fn secret_on(page: &str) -> Option<&str> {
    let start = page.find("gcs_")?;
    page[start..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()
}

#[test]
fn a_rotation_sent_twice_makes_one_secret_and_the_second_is_told_so() {
    let mut office = Office::open();
    let app = office.place.client("--permission a.read");
    let page = format!("apps/{}/secrets", app.id);
    let version = hidden(&office.see(&page), "version");
    let form = [("version", version.as_str()), ("overlap", "1h")];
    assert_eq!(office.send(&format!("{page}/rotate"), &form).status, 303);
    for again in [&form[..], &form[1..]] {
        let lost = office.send(&format!("{page}/rotate"), again);
        assert_eq!(lost.status, 409);
        assert!(lost.text().contains("Not rotated"), "{}", lost.text());
    }
    let shown = office.place.grantd(&format!("client show {}", app.id));
    assert_eq!(shown["credentials"].as_array().unwrap().len(), 2, "{shown}");
    let overview = office.see(&format!("apps/{}", app.id));
    let secret = secret_on(&overview).expect("the secret of the first is shown").to_owned();
    assert_eq!(ask(&office.running, &super::server::Client { secret, ..app }, "").status, 200);
}
