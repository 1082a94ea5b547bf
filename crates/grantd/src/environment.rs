//! The environment, and `.env` in the working directory below it: the one room that reads them.

use std::{collections::HashMap, ffi::OsString};

use anyhow::{Result, anyhow, bail};
use zeroize::Zeroizing;

/// The variables of grantd's own, wiped when dropped: keys are among them.
#[derive(Default)]
pub(crate) struct Environment(HashMap<String, Zeroizing<String>>);

impl Environment {
    /// Reads `.env`, then the real environment over it.
    pub(crate) fn read() -> Result<Self> {
        let mut environment = Self::default();
        match dotenvy::from_path_iter(".env") {
            Ok(variables) => {
                for variable in variables {
                    // The error would quote the line, and the line may be a key.
                    let (name, value) = variable.map_err(|_| {
                        anyhow!("a line of .env cannot be read: write NAME=value, with quotes around blanks")
                    })?;
                    environment.insert(name, value);
                }
            }
            Err(error) if error.not_found() => {}
            Err(_) => bail!(".env cannot be read: check its permissions"),
        }
        for (name, value) in std::env::vars_os() {
            // Whatever else is in the environment is not ours to read, or to complain of.
            if let Some(name) = name.to_str().filter(|name| name.starts_with("GRANTD_")) {
                environment.insert(name.to_owned(), utf8(name, value)?);
            }
        }
        Ok(environment)
    }

    /// These variables and no others.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), Zeroizing::new((*value).to_owned()))
        };
        Self(pairs.iter().map(own).collect())
    }

    fn insert(&mut self, name: String, value: String) {
        self.0.insert(name, Zeroizing::new(value));
    }

    /// A variable as it stands.
    pub(crate) fn exact(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A variable without blanks and quotes around it: some readers of env files leave them there.
    pub(crate) fn plain(&self, name: &str) -> Option<&str> {
        self.exact(name).map(unquoted).filter(|value| !value.is_empty())
    }
}

/// The name of the account that runs this process, for the audit log; its number where it has none.
pub(crate) fn account() -> String {
    let user = rustix::process::getuid().as_raw();
    let entries = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = entries.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| user.to_string())
}

/// The error names the variable and not its value, which may be a key.
fn utf8(name: &str, value: OsString) -> Result<String> {
    value.into_string().map_err(|_| anyhow!("{name} is not UTF-8 text: set it anew"))
}

/// A value as a reader of env files would take it: without the quotes around it.
pub(crate) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let bare = |quote| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    bare('"').or_else(|| bare('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_that_a_reader_left_are_not_part_of_a_value() {
        let environment =
            Environment::of(&[("A", "\"x y\""), ("B", " 'z' "), ("C", "\"\""), ("D", "it's")]);
        assert_eq!(environment.plain("A"), Some("x y"));
        assert_eq!(environment.plain("B"), Some("z"));
        assert_eq!(environment.plain("C"), None);
        assert_eq!(environment.plain("D"), Some("it's"));
        assert_eq!(environment.exact("B"), Some(" 'z' "), "a passphrase is taken as it stands");
    }
}
