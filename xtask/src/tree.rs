//! The checkout: where it is and what files it holds.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::failure::{Failure, Outcome};

/// The checkout that this program was built from.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The text of a file, named from the root.
pub(crate) fn read(path: &str) -> Outcome<String> {
    let full = root().join(path);
    fs::read_to_string(&full).map_err(Failure::at(Path::new(path)))
}

/// The names in a folder, sorted; an absent folder is an empty one.
pub(crate) fn list(folder: &str) -> Outcome<Vec<String>> {
    let full = root().join(folder);
    if !full.exists() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(&full).map_err(Failure::at(Path::new(folder)))? {
        let entry = entry.map_err(Failure::at(Path::new(folder)))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The folders in a folder.
pub(crate) fn folders(folder: &str) -> Outcome<Vec<String>> {
    let mut names = list(folder)?;
    names.retain(|name| root().join(folder).join(name).is_dir());
    Ok(names)
}

/// Every file below a folder whose name ends so, named from the root.
pub(crate) fn files(folder: &str, ending: &str) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for name in list(folder)? {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            if name != "target" {
                found.extend(files(&path, ending)?);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    Ok(found)
}

/// The build folder, in which this program lies too.
pub(crate) fn target() -> Outcome<PathBuf> {
    let this = std::env::current_exe().map_err(|error| Failure::broken(error.to_string()))?;
    Ok(this.ancestors().nth(2).unwrap_or(&this).to_path_buf())
}
