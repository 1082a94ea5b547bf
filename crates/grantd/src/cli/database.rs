//! What can be said of the database as a whole.

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
