//! What can be said of signing keys.

use clap::{Args, Subcommand};
use grantd_core::Algorithm;

#[derive(Subcommand, Debug)]
pub(crate) enum Keys {
    /// Make signing keys and the server key, and write them into an env file
    Generate(KeysGenerate),
    /// Show the public half of the signing keys
    List,
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
