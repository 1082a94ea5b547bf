//! Any bytes as a JSON body of a token request; what parses means the same as a form.
#![no_main]

use grantd_core::{Authorization, Raw, TokenRequest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let content_type = Some(&b"application/json"[..]);
    let _ = TokenRequest::parse(&Raw { authorization: Authorization::Absent, content_type, body, from: None });
});
