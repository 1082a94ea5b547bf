//! Any text as a redirect URI beside a native app's: what is found leads to the same path on the same machine.
#![no_main]

use grantd_core::RedirectUri;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|asked: &str| {
    let registered = ["http://127.0.0.1/cb".to_owned(), "https://app.example/cb".to_owned()];
    let Some(found) = RedirectUri::find(&registered, asked) else { return };
    if found.as_str() != registered[1] {
        let rest = found.as_str().strip_prefix("http://127.0.0.1").expect("the app's own machine");
        let port = rest.strip_suffix("/cb").expect("the same path");
        let digits = port.strip_prefix(':').unwrap_or("0");
        assert!((1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()), "{asked}");
    }
});
