//! Writing keys into an env file: other lines untouched, nothing half written, mode 0600.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

/// An env file as text, to be changed and written back as a whole.
pub(crate) struct EnvFile {
    path: PathBuf,
    text: Zeroizing<String>,
}

impl EnvFile {
    /// Reads the file; one that is not there is empty. A link is followed, so that it stays one.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let path = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => bail!("cannot read {}: {error}", path.display()),
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == ErrorKind::NotFound => Zeroizing::default(),
            Err(error) => bail!("cannot read {}: {error}", path.display()),
        };
        Ok(Self { path, text })
    }

    /// Whether a variable is there with a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        entries(&self.text).any(|entry| {
            let value =
                entry.split_once('=').map(|(_, value)| value.trim().trim_matches(['"', '\'']));
            names(entry, name) && value.is_some_and(|value| !value.is_empty())
        })
    }

    /// Sets a variable in its place, or at the end. Line ends in the value become `\n`, which every
    /// reader of env files leaves on one line.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let line =
            Zeroizing::new(format!("{name}=\"{}\"\n", value.trim_end().replace('\n', "\\n")));
        let mut changed = Zeroizing::new(String::with_capacity(self.text.len() + line.len()));
        let mut placed = false;
        for entry in entries(&self.text) {
            if !names(entry, name) {
                changed.push_str(entry);
            } else if !placed {
                changed.push_str(&line);
                placed = true;
            }
        }
        if !placed {
            if !changed.is_empty() && !changed.ends_with('\n') {
                changed.push('\n');
            }
            changed.push_str(&line);
        }
        self.text = changed;
    }

    /// Writes the file: a new one beside it, on disk, then in its place.
    pub(crate) fn write(&self) -> Result<()> {
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let name = self.path.file_name().context("the env file needs a name")?.to_string_lossy();
        let fresh = folder.join(format!(".{name}.new"));
        let written = self.write_fresh(&fresh).and_then(|()| fs::rename(&fresh, &self.path));
        if let Err(error) = written {
            // Leave no second copy of a key behind.
            let _ = fs::remove_file(&fresh);
            bail!("cannot write {}: {error}", self.path.display());
        }
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .context("the folder cannot be synced")
    }

    fn write_fresh(&self, path: &Path) -> std::io::Result<()> {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(self.text.as_bytes())?;
        file.sync_all()
    }
}

/// The file in pieces: a line each, or several where a quoted value goes on over line ends.
fn entries(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = line_end(rest, 0);
        if let Some(quote) = opening_quote(&rest[..end]) {
            let value = rest.find('=').map_or(0, |at| at + 1);
            let opened = value + rest[value..].find(quote).unwrap_or(0) + 1;
            // An unclosed quote is not ours to mend: then it is one line after all.
            end = rest[opened..].find(quote).map_or(end, |closed| line_end(rest, opened + closed));
        }
        let (entry, tail) = rest.split_at(end);
        rest = tail;
        Some(entry)
    })
}

fn line_end(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |at| from + at + 1)
}

fn opening_quote(line: &str) -> Option<char> {
    let (name, value) = line.split_once('=')?;
    if name.trim_start().starts_with('#') {
        return None;
    }
    value.trim_start().chars().next().filter(|first| matches!(first, '"' | '\''))
}

fn names(entry: &str, name: &str) -> bool {
    let entry = entry.trim_start();
    let entry = entry.strip_prefix("export ").unwrap_or(entry).trim_start();
    entry.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> EnvFile {
        EnvFile { path: PathBuf::new(), text: Zeroizing::new(text.to_owned()) }
    }

    #[test]
    fn md_21_other_lines_and_comments_stay_as_they_are() {
        let mut file = file("# mine\nA=1\nexport KEY='old'\n\nB=\"x\ny\"\n# KEY=no\nC=2");
        file.set("KEY", "new\nlines\n");
        assert_eq!(*file.text, "# mine\nA=1\nKEY=\"new\\nlines\"\n\nB=\"x\ny\"\n# KEY=no\nC=2");
        file.set("D", "3");
        assert!(file.text.ends_with("C=2\nD=\"3\"\n"));
    }

    #[test]
    fn a_value_over_several_lines_is_replaced_as_a_whole() {
        let mut file = file("KEY=\"-----BEGIN\nabc\n-----END\"\nA=1\nKEY=twice\n");
        assert!(file.has("KEY"));
        file.set("KEY", "v");
        assert_eq!(*file.text, "KEY=\"v\"\nA=1\n");
    }

    #[test]
    fn an_empty_or_longer_named_variable_is_not_there() {
        assert!(!file("KEY=\nKEY_FILE=x\n#KEY=y\n").has("KEY"));
        assert!(!file("KEY=\"\"\n").has("KEY"));
        assert!(file(" export KEY = x").has("KEY"));
    }

    #[test]
    fn the_file_is_private_even_where_it_was_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, "A=1\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let mut file = EnvFile::read(&path).unwrap();
        file.set("KEY", "v");
        file.write().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), "A=1\nKEY=\"v\"\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
