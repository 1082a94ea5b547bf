//! A folder for one benchmark, gone when the benchmark is.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use crate::failure::{Failure, Outcome};

/// The folder; only its owner may look into it, for it holds keys.
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub(super) fn new() -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("grantd-bench-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&path).map_err(Failure::at(&path))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Outcome<PathBuf> {
        let path = self.path.join(name);
        fs::write(&path, text).map_err(Failure::at(&path))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("{}: {error}", self.path.display());
        }
    }
}
