//! What commands say: lines for people, or exactly one JSON document; complaints on stderr.

use std::io::{ErrorKind, Write, stdout};

use anyhow::{Context, Result};
use grantd_issuer::ToJson;
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
        let text = if self.json {
            serde_json::to_string_pretty(document)
                .context("the answer cannot be written as JSON")?
                + "\n"
        } else {
            lines()
        };
        write(&text)
    }

    /// A line of an answer that is long in coming, for people alone: the document comes at the end.
    pub(crate) fn progress(self, line: impl FnOnce() -> String) -> Result<()> {
        if self.json { Ok(()) } else { write(&line()) }
    }
}

/// An answer that is a list, written a page at a time: it may be longer than memory.
pub(crate) struct Listing {
    output: Output,
    member: &'static str,
    written: usize,
}

/// Whether somebody still reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    There,
    Gone,
}

impl Listing {
    /// A document of this one member, or lines.
    pub(crate) const fn new(output: Output, member: &'static str) -> Self {
        Self { output, member, written: 0 }
    }

    /// Writes a page: the items of the document, or the lines that are made for people.
    pub(crate) fn page<T: ToJson>(
        &mut self,
        items: &[T],
        lines: impl FnOnce() -> String,
    ) -> Result<Reader> {
        if !self.output.json {
            return tell(&lines());
        }
        let mut text = String::new();
        for item in items {
            if self.written == 0 {
                text = format!("{{\n  \"{}\": [\n    ", self.member);
            } else {
                text += ",\n    ";
            }
            let item = serde_json::to_string_pretty(&item.to_json())
                .context("the answer cannot be written as JSON")?;
            // A line break inside a JSON string is escaped: these are between members.
            text += &item.replace('\n', "\n    ");
            self.written += 1;
        }
        tell(&text)
    }

    /// Ends the document.
    pub(crate) fn end(self) -> Result<()> {
        match (self.output.json, self.written) {
            (false, _) => Ok(()),
            (true, 0) => write(&format!("{{\n  \"{}\": []\n}}\n", self.member)),
            (true, _) => write("\n  ]\n}\n"),
        }
    }
}

fn write(text: &str) -> Result<()> {
    tell(text).map(drop)
}

fn tell(text: &str) -> Result<Reader> {
    let mut stdout = stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever read it has read enough, as `grantd client list | head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        written => written.map(|()| Reader::There).context("the answer cannot be written"),
    }
}

/// Text from outside as a terminal may show it: control characters are written out.
pub(crate) fn printable(text: &str) -> String {
    let shown =
        |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// The whole chain of an error as one sentence.
pub(crate) fn complain(error: &anyhow::Error) {
    say(&format!("{error:#}"));
}

/// Something that an operator should know although the command went well.
pub(crate) fn warn(text: &str) {
    say(text);
}

#[expect(clippy::print_stderr, reason = "this is the one room that complains")]
fn say(text: &str) {
    eprintln!("grantd: {text}");
}
