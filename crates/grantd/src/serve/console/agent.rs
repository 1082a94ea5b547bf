//! A browser as its user knows it: what a User-Agent header (RFC 9110 section 10.1.5) says, by plain rules.

/// What stands in the header of a browser, and what people call it. Browsers claim to be each other:
/// the first that is found is meant.
const BROWSERS: [(&str, &str); 15] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
    ("BSD", "BSD"),
];

/// Browser and system of a header, as far as they are known; none: the header must speak for itself.
pub(super) fn known(header: &str) -> Option<String> {
    let named = |rules: &[(&str, &'static str)]| {
        rules.iter().find(|(mark, _)| header.contains(mark)).map(|(_, name)| *name)
    };
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (Some(browser), None) => Some(browser.to_owned()),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_called_what_people_call_them_whoever_they_claim_to_be() {
        let safari = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
        let chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0";
        for (header, name) in [
            (
                "(X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0".to_owned(),
                "Firefox on Linux",
            ),
            (format!("(Windows NT 10.0; Win64; x64) {chrome} Safari/537.36"), "Chrome on Windows"),
            (
                format!("(Windows NT 10.0; Win64; x64) {chrome} Safari/537.36 Edg/141.0.0.0"),
                "Edge on Windows",
            ),
            (format!("(Linux; Android 10; K) {chrome} Mobile Safari/537.36"), "Chrome on Android"),
            (format!("(X11; CrOS x86_64 14541.0.0) {chrome} Safari/537.36"), "Chrome on ChromeOS"),
            (
                format!(
                    "(Macintosh; Intel Mac OS X 10_15_7) {safari} Version/26.0 Safari/605.1.15"
                ),
                "Safari on macOS",
            ),
            (
                format!(
                    "(iPhone; CPU iPhone OS 18_6 like Mac OS X) {safari} CriOS/141.0 Mobile/15E148 Safari/604.1"
                ),
                "Chrome on iPhone",
            ),
        ] {
            assert_eq!(known(&format!("Mozilla/5.0 {header}")).unwrap(), name, "{header}");
        }
        assert_eq!(known("curl/8.14.1").unwrap(), "curl");
    }

    #[test]
    fn a_header_of_something_else_is_not_interpreted() {
        for header in ["", "Mozilla/5.0 (X11; Linux x86_64)", "agent of one's own", "<b>Linux</b>"]
        {
            assert_eq!(known(header), None);
        }
    }
}
