//! Any bytes as an Authorization header, beside a good body.
#![no_main]

use grantd_core::{Authorization, Credentials, Raw, TokenRequest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &[u8]| {
    let raw = Raw {
        authorization: Authorization::One(header),
        content_type: Some(b"application/x-www-form-urlencoded"),
        body: b"grant_type=client_credentials", from: None
    };
    if let Ok(request) = TokenRequest::parse(&raw) {
        assert!(!matches!(request.credentials, Credentials::Body { .. }), "a header is never a body");
        assert!(request.credentials.client_ids().count() >= 1);
    }
});
