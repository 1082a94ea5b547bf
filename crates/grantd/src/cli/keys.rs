//! What can be said of signing keys.

use clap::{Args, Subcommand};
use grantd_core::Algorithm;

#[derive(Subcommand, Debug)]
pub(crate) enum Keys {
    /// Make signing keys and the server key, and write them into an env file
    Generate(KeysGenerate),
    /// Show the public half of the signing keys
    List,
    /// Add a signing key behind the others: it is published, and signs nothing yet
    Add(KeysAdd),
    /// Let a published key sign for its algorithm; the one before only verifies from then on
    SignWith(KeysSignWith),
    /// Say that a key is in wrong hands: what it signed is refused at once, everywhere
    Revoke(KeysRevoke),
    /// Take out a key that signs no more: what it signed is refused from then on
    Retire(KeysRetire),
}

#[derive(Args, Debug)]
pub(crate) struct KeysGenerate {
    /// Algorithm, once a key: RS256, PS256, ES256, EdDSA [default: RS256 and ES256]
    #[arg(long, value_name = "ALG")]
    pub(crate) alg: Vec<Algorithm>,
    /// The env file
    #[arg(long, value_name = "FILE", default_value = ".env")]
    pub(crate) env_file: std::path::PathBuf,
    /// Replace keys that are there; tokens they signed are refused from then on
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct KeysAdd {
    /// Algorithm: RS256, PS256, ES256, EdDSA
    #[arg(long, value_name = "ALG", default_value = "RS256")]
    pub(crate) alg: Algorithm,
    /// Write it in clear even beside keys that a passphrase protects
    #[arg(long)]
    pub(crate) force: bool,
    /// The env file
    #[arg(long, value_name = "FILE", default_value = ".env")]
    pub(crate) env_file: std::path::PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct KeysSignWith {
    /// The key's id, as `keys list` shows it
    #[arg(allow_hyphen_values = true)]
    pub(crate) kid: String,
    /// The env file
    #[arg(long, value_name = "FILE", default_value = ".env")]
    pub(crate) env_file: std::path::PathBuf,
    /// Even if verifiers may not know the key yet
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct KeysRetire {
    /// The key's id, as `keys list` shows it
    #[arg(allow_hyphen_values = true)]
    pub(crate) kid: String,
    /// The env file
    #[arg(long, value_name = "FILE", default_value = ".env")]
    pub(crate) env_file: std::path::PathBuf,
    /// Take out the private half alone: what it signed still verifies
    #[arg(long)]
    pub(crate) keep_public: bool,
    /// Even if tokens that it signed are alive: they are refused
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct KeysRevoke {
    /// The key's id, as `keys list` shows it
    #[arg(allow_hyphen_values = true)]
    pub(crate) kid: String,
    /// Even if nodes still sign with it, or it is none of the keys here
    #[arg(long)]
    pub(crate) force: bool,
}
