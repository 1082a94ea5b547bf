//! What can be said of the database as a whole.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Migrate {
    /// Move everything out of this database [default: GRANTD_DATABASE_URL, where --to is given]
    #[arg(long, value_name = "URL")]
    pub(crate) from: Option<String>,
    /// Move everything into this empty database [default: GRANTD_DATABASE_URL, where --from is given]
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// The file to write; it must not exist yet
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// A file that `grantd backup` wrote; it stays as it is
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Take the place of the database that is there, which is kept under another name
    #[arg(long)]
    pub(crate) force: bool,
    /// Leave tokens, codes and sessions of before alive, though some may have been ended since the backup
    #[arg(long)]
    pub(crate) keep_tokens: bool,
}
