//! Any bytes as a form body of a token request.
#![no_main]

use grantd_core::{Authorization, Raw, TokenRequest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let content_type = Some(&b"application/x-www-form-urlencoded"[..]);
    let _ = TokenRequest::parse(&Raw { authorization: Authorization::Absent, content_type, body, from: None });
});
