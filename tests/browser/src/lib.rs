//! What the browser tests and the screenshots stand on: a grantd of their own, and a Chromium to look at it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failure is the verdict of a test")]
#![expect(clippy::missing_panics_doc, reason = "all of it panics when the test has failed")]

mod accessibility;
mod apps;
mod browser;
mod device;
mod driver;
mod example;
mod place;
mod web_server;

use std::path::PathBuf;

pub use apps::{Credentials, PageApp, WebApp, sample_api};
pub use browser::{Browser, Scripts};
pub use device::{Device, Person};
pub use example::{Example, PASSWORD};
pub use place::{Answer, Place, Running};

/// The build folder, in which this program, grantd and axe-core lie.
fn target() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let debug = this.ancestors().find(|folder| folder.join("grantd").is_file());
    debug.expect("cargo xtask browser builds grantd first").parent().unwrap().to_path_buf()
}
