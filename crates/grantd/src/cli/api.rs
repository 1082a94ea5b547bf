//! What can be said of APIs.

use clap::{Args, Subcommand};
use grantd_core::{Algorithm, TokenFormat, Ttl};
use grantd_issuer::Setting;

use super::or_default;

#[derive(Subcommand, Debug)]
pub(crate) enum Api {
    /// Create an API
    Create(ApiCreate),
    /// List APIs
    List,
    /// Change the settings of an API's tokens
    Update(ApiUpdate),
    /// Show one API
    Show {
        /// The API's name
        name: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct ApiCreate {
    /// The API's name
    pub(crate) name: String,
    /// The aud of its tokens, an absolute URI
    #[arg(long, value_name = "URI")]
    pub(crate) audience: String,
    /// Format of its tokens: jwt or opaque
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<TokenFormat>,
    /// Algorithm of its tokens: RS256, PS256, ES256, EdDSA
    #[arg(long, value_name = "ALG")]
    pub(crate) signing_alg: Option<Algorithm>,
    /// What its tokens live, like 15m, 1h
    #[arg(long, value_name = "DURATION")]
    pub(crate) access_token_ttl: Option<Ttl>,
}

#[derive(Args, Debug)]
pub(crate) struct ApiUpdate {
    /// The API's name
    pub(crate) name: String,
    /// Format of its tokens: jwt, opaque, or default (jwt)
    #[arg(long, value_name = "FORMAT", value_parser = or_default::<TokenFormat>)]
    pub(crate) format: Option<Setting<TokenFormat>>,
    /// Algorithm of its tokens: RS256, PS256, ES256, EdDSA, or default (the server's)
    #[arg(long, value_name = "ALG", value_parser = or_default::<Algorithm>)]
    pub(crate) signing_alg: Option<Setting<Algorithm>>,
    /// What its tokens live, like 15m, 1h, or default (the server's)
    #[arg(long, value_name = "DURATION", value_parser = or_default::<Ttl>)]
    pub(crate) access_token_ttl: Option<Setting<Ttl>>,
}
