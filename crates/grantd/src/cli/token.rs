//! What can be asked of access tokens.

use clap::Subcommand;

#[derive(Subcommand, Debug)]
pub(crate) enum Token {
    /// Show what a token says, whether this server made it, and what stands against it
    Inspect {
        /// The token; - for standard input, since command lines show in process lists
        token: String,
    },
}
