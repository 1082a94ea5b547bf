//! Writing keys into an env file: other lines untouched, nothing half written, mode 0600.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow, bail};
use zeroize::Zeroizing;

use crate::environment::unquoted;

/// An env file as text, to be changed and written back as a whole; nobody else changes it meanwhile.
pub(crate) struct EnvFile {
    path: PathBuf,
    text: Zeroizing<String>,
    owner: Option<(u32, u32)>,
    /// Held on the folder, since the file itself is replaced.
    _lock: Option<File>,
}

impl EnvFile {
    /// Reads the file; one that is not there is empty. A link is followed, so that it stays one.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let path = followed(path)?;
        let shown = path.display();
        let folder = File::open(folder_of(&path))
            .map_err(|error| anyhow!("the folder of {shown} cannot be read: {error}"))?;
        if folder.try_lock().is_err() {
            bail!("another grantd is changing {shown} at this moment: try again");
        }
        let (text, owner) = match File::open(&path) {
            Ok(mut file) => {
                let mut text = Zeroizing::new(String::new());
                let read =
                    file.metadata().and_then(|of| file.read_to_string(&mut text).map(|_| of));
                let of = read.map_err(|error| anyhow!("cannot read {shown}: {error}"))?;
                (text, Some((of.uid(), of.gid())))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => (Zeroizing::default(), None),
            Err(error) => bail!("cannot read {shown}: {error}"),
        };
        Ok(Self { path, text, owner, _lock: Some(folder) })
    }

    /// Whether a variable is there with a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        entries(&self.text).any(|entry| {
            let value =
                entry.split_once('=').map(|(_, value)| value.trim().trim_matches(['"', '\'']));
            names(entry, name) && value.is_some_and(|value| !value.is_empty())
        })
    }

    /// The value of a variable, without its quotes; the last one counts.
    pub(crate) fn value(&self, name: &str) -> Option<Zeroizing<String>> {
        let entry = entries(&self.text).filter(|entry| names(entry, name)).last()?;
        let (_, value) = entry.split_once('=')?;
        Some(Zeroizing::new(unquoted(value).to_owned()))
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

    /// Writes the file: a new one beside it under a name that nobody can foresee, on disk, then in
    /// its place. It belongs to whom it belonged to.
    pub(crate) fn write(&self) -> Result<()> {
        let folder = folder_of(&self.path);
        let written = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(folder)
            .and_then(|mut fresh| {
                if let Some((user, group)) = self.owner {
                    fchown(fresh.as_file(), Some(user), Some(group))?;
                }
                fresh.write_all(self.text.as_bytes())?;
                fresh.as_file().sync_all()?;
                fresh.persist(&self.path).map_err(|error| error.error)?;
                File::open(folder)?.sync_all()
            });
        written.map_err(|error| anyhow!("cannot write {}: {error}", self.path.display()))
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where a link leads, also one that leads to nothing yet.
fn followed(path: &Path) -> Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => return Ok(path),
        }
    }
    bail!("{} is a link that leads to itself", path.display())
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
        EnvFile {
            path: PathBuf::new(),
            text: Zeroizing::new(text.to_owned()),
            owner: None,
            _lock: None,
        }
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
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(".env", &link).unwrap();
        let mut file = EnvFile::read(&link).unwrap();
        assert!(EnvFile::read(&path).is_err(), "two at once would lose one's keys");
        file.set("KEY", "v");
        file.write().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "a link stays one");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), "A=1\nKEY=\"v\"\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }
}
