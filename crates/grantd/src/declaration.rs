//! A declared set-up: what the file of `grantd apply` says, read whole, every fault with its line.

mod entries;
mod members;
mod secrets;

use std::ops::Range;

use grantd_core::Api;
use grantd_issuer::{NewClient, PermissionEntry, Registration, RoleEntry};
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use crate::output::printable;
use entries::Entry;

/// The largest file that is read, in bytes.
pub(crate) const MAX_LENGTH: usize = 1024 * 1024;

/// Everything that a file says, in its order.
#[derive(Debug, Default)]
pub(crate) struct Declaration {
    pub(crate) apis: Vec<Stated<Api>>,
    pub(crate) permissions: Vec<Stated<PermissionEntry>>,
    pub(crate) roles: Vec<Stated<RoleEntry>>,
    pub(crate) clients: Vec<Stated<DeclaredClient>>,
}

/// Something with the line on which it is said.
#[derive(Debug)]
pub(crate) struct Stated<T> {
    pub(crate) line: usize,
    pub(crate) what: T,
}

/// A client: how it would be created, and what it is then.
#[derive(Debug)]
pub(crate) struct DeclaredClient {
    pub(crate) new: NewClient,
    pub(crate) wanted: Registration,
}

/// What is wrong with a file, and what to do.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// Counted from 1; `None`: the whole file.
    line: Option<usize>,
    text: String,
}

impl Problem {
    pub(crate) fn at(line: usize, text: impl Into<String>) -> Self {
        Self { line: Some(line), text: text.into() }
    }

    /// As one line, with the name of the file in front.
    pub(crate) fn in_file(&self, file: &str) -> String {
        match self.line {
            Some(line) => printable(&format!("{file}:{line}: {}", self.text)),
            None => printable(&format!("{file}: {}", self.text)),
        }
    }
}

/// Reads a file (TOML 1.1), or says all that is wrong with its own words.
pub(crate) fn read(text: &str) -> Result<Declaration, Vec<Problem>> {
    let reading = Reading::of(text);
    let root = DeTable::parse(text).map_err(|error| vec![reading.fault(&error, None)])?;
    let mut problems = Vec::new();
    // Before anything else, since other complaints may repeat what they complain of.
    secrets::look_for(root.get_ref(), &mut |span, text| {
        problems.push(Problem::at(reading.line(span), text));
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut declaration = Declaration::default();
    for (kind, value) in root.into_inner() {
        let span = kind.span();
        match kind.get_ref().as_ref() {
            "api" => declaration.apis = reading.entries::<entries::Api>(value, &mut problems),
            "permission" => {
                declaration.permissions =
                    reading.entries::<entries::Permission>(value, &mut problems);
            }
            "role" => declaration.roles = reading.entries::<entries::Role>(value, &mut problems),
            "client" => {
                declaration.clients = reading.entries::<entries::Client>(value, &mut problems);
            }
            other => problems.push(Problem::at(
                reading.line(&span),
                format!(
                    "`{other}` is unknown: write [[api]], [[permission]], [[role]] or [[client]]"
                ),
            )),
        }
    }
    problems.sort();
    if problems.is_empty() { Ok(declaration) } else { Err(problems) }
}

/// Where the lines of the text end.
struct Reading {
    ends: Vec<usize>,
}

impl Reading {
    fn of(text: &str) -> Self {
        Self { ends: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.ends.partition_point(|end| *end < span.start) + 1
    }

    /// TOML's own words for a fault, without the piece of the file that it would quote.
    fn fault(&self, error: &toml::de::Error, line: Option<usize>) -> Problem {
        let own = error.span().filter(|span| !span.is_empty() || line.is_none());
        let line = own.map(|span| self.line(&span)).or(line);
        Problem { line, text: error.message().replace('\n', ", ") }
    }

    /// Reads each entry by itself, so that one's fault hides no other's.
    fn entries<E: Entry>(
        &self,
        value: Spanned<DeValue<'_>>,
        problems: &mut Vec<Problem>,
    ) -> Vec<Stated<E::What>> {
        let whole = self.line(&value.span());
        let DeValue::Array(array) = value.into_inner() else {
            let kind = E::KIND;
            problems.push(Problem::at(whole, format!("write [[{kind}]] in double brackets")));
            return Vec::new();
        };
        let mut all = Vec::new();
        for item in array {
            let line = self.line(&item.span());
            let read = E::deserialize(ValueDeserializer::from(item))
                .map_err(|error| self.fault(&error, Some(line)))
                .and_then(|entry| entry.check().map_err(|text| Problem::at(line, text)));
            match read {
                Ok(what) => all.push(Stated { line, what }),
                Err(problem) => problems.push(problem),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests;
