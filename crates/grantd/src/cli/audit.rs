//! What can be asked of the audit log.

use clap::Subcommand;

#[derive(Subcommand, Debug)]
pub(crate) enum Audit {
    /// List changes, oldest first
    List {
        /// Only those behind this number
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: u64,
        /// How many at most
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: u32,
        /// Only what was done to this, like client:ID or role:NAME
        #[arg(long, value_name = "KIND:NAME")]
        object: Option<String>,
    },
    /// Check that nothing in the log was altered, removed or reordered
    Verify,
}
