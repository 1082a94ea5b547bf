//! Style and scripts: in the binary, under names that change with what is in them.

use axum::{
    body::{Body, Bytes},
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};

use crate::serve::routes::problem;

/// One file.
pub(super) struct Asset {
    /// Before and behind the hash in its name.
    name: (&'static str, &'static str),
    content_type: &'static str,
    bytes: &'static [u8],
    hash: u64,
}

/// The stylesheet.
pub(super) const STYLE: Asset = Asset::new(
    ("style", "css"),
    "text/css; charset=utf-8",
    include_bytes!("../../../assets/style.css"),
);
/// Copying, and forms that go out once.
pub(super) const SCRIPT: Asset = Asset::new(
    ("console", "js"),
    "text/javascript; charset=utf-8",
    include_bytes!("../../../assets/console.js"),
);
/// Passkeys, on the pages that are about them.
pub(super) const PASSKEY: Asset = Asset::new(
    ("passkey", "js"),
    "text/javascript; charset=utf-8",
    include_bytes!("../../../assets/passkey.js"),
);
/// htmx 4.0.1, as published (0BSD).
pub(super) const HTMX: Asset = Asset::new(
    ("htmx", "js"),
    "text/javascript; charset=utf-8",
    include_bytes!("../../../assets/htmx.min.js"),
);

impl Asset {
    const fn new(
        name: (&'static str, &'static str),
        content_type: &'static str,
        bytes: &'static [u8],
    ) -> Self {
        Self { name, content_type, bytes, hash: fnv(bytes) }
    }

    /// Where it is, below the issuer's path.
    pub(super) fn path(&self) -> String {
        format!("/assets/{}", self.file())
    }

    fn file(&self) -> String {
        format!("{}-{:016x}.{}", self.name.0, self.hash, self.name.1)
    }
}

/// FNV-1a: tells one version of a file from the next, while it is compiled.
const fn fnv(bytes: &[u8]) -> u64 {
    let (mut hash, mut at) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

/// A file by its name; another version than this one's is not there.
pub(super) async fn asset(Path(file): Path<String>) -> Response {
    let all = [STYLE, SCRIPT, PASSKEY, HTMX];
    let Some(asset) = all.into_iter().find(|asset| asset.file() == file) else {
        return problem(StatusCode::NOT_FOUND, "There is no such file: load the page again.");
    };
    let mut response = Body::from(Bytes::from_static(asset.bytes)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(CACHE_CONTROL, forever);
    response
}
