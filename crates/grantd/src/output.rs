//! What commands say: lines for people, or exactly one JSON document; complaints on stderr.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the one room that prints")]

use anyhow::{Context, Result};
use serde_json::Value;

/// Where a command's answer goes, and in which of its two shapes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Gives the answer: the document, or the lines that are made for people.
    pub(crate) fn answer(self, document: &Value, lines: impl FnOnce() -> String) -> Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(document).context("the answer cannot be written")?);
        } else {
            print!("{}", lines());
        }
        Ok(())
    }

    /// Says something beside the answer, to people only.
    pub(crate) fn remark(self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }
}

/// The whole chain of an error as one sentence.
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("grantd: {error:#}");
}
