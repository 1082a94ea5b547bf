//! What can be said of clients.

use clap::{Args, Subcommand};
use grantd_core::{
    Algorithm, ClientId, ClientState, CredentialId, GrantType, Permission, Pkce, RoleName,
    TokenFormat, Ttl,
};
use grantd_issuer::{Owner, Setting};

use super::or_default;

#[derive(Subcommand, Debug)]
pub(crate) enum Client {
    /// Create a client; its secret is shown here and nowhere else, ever
    Create(Box<ClientCreate>),
    /// List clients, deleted ones left out
    List(ClientList),
    /// Show one client
    Show(Id),
    /// Change what is said about a client; taking something away kills its tokens
    Update(Box<ClientUpdate>),
    /// Give a client a new secret; the old one ends at once, or after an overlap
    Rotate(Rotate),
    /// End the overlap of a rotation now; refuses while the old secret is still in use
    FinishRotation(FinishRotation),
    /// End one secret now; the tokens it obtained die, and no others
    RevokeSecret {
        /// The client's id
        id: String,
        /// The credential's id, as `client show` lists it
        credential: CredentialId,
    },
    /// Suspend a client: no new tokens
    Revoke(Id),
    /// Delete a client; it can be restored
    Delete(Id),
    /// Bring a revoked or deleted client back
    Restore(Id),
}

#[derive(Args, Debug)]
pub(crate) struct Id {
    /// The client's id
    pub(crate) id: String,
}

#[derive(Args, Debug)]
pub(crate) struct ClientCreate {
    /// What people call it
    #[arg(long)]
    pub(crate) name: String,
    /// What it is for
    #[arg(long, default_value = "")]
    pub(crate) description: String,
    /// Grant type: client_credentials, authorization_code, refresh_token [default: client_credentials]
    #[arg(long = "grant", value_name = "GRANT")]
    pub(crate) grants: Vec<GrantType>,
    /// Where the authorization code may be sent, matched exactly
    #[arg(long = "redirect-uri", value_name = "URI")]
    pub(crate) redirect_uris: Vec<String>,
    /// Give it this permission
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub(crate) permissions: Vec<Permission>,
    /// Give it this role
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<RoleName>,
    /// What a request without scope gets [default: all of the client's permissions]
    #[arg(long = "default-scope", value_name = "PERMISSION")]
    pub(crate) default_scope: Vec<Permission>,
    /// Whose it is, e.g. tenant:42
    #[arg(long, value_name = "TYPE:ID", value_parser = parse_owner)]
    pub(crate) owner: Option<Owner>,
    /// An API that it serves: it may introspect that API's tokens and read the revocation feed
    #[arg(long, value_name = "API")]
    pub(crate) serves: Vec<String>,
    /// Format of its tokens: jwt or opaque
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<TokenFormat>,
    /// Without a secret: a browser or native app, which uses PKCE instead
    #[arg(long)]
    pub(crate) public: bool,
    /// What its access tokens live, like 15m, 1h, 365d
    #[arg(long, value_name = "DURATION")]
    pub(crate) access_token_ttl: Option<Ttl>,
    /// Algorithm of its tokens: RS256, PS256, ES256, EdDSA
    #[arg(long, value_name = "ALG")]
    pub(crate) signing_alg: Option<Algorithm>,
    /// Whether it must use PKCE when it acts for users: required, or optional for a confidential one
    #[arg(long, value_name = "POLICY", default_value = "required")]
    pub(crate) pkce: Pkce,
    /// How long it may send a used refresh token again, like 30s [default: not at all]
    #[arg(long, value_name = "DURATION", conflicts_with = "public")]
    pub(crate) refresh_retry: Option<Ttl>,
    /// An id brought in from elsewhere [default: a UUID]
    #[arg(long)]
    pub(crate) id: Option<ClientId>,
    /// Read a secret brought in from elsewhere from standard input, instead of making one
    #[arg(long, conflicts_with = "public")]
    pub(crate) secret_stdin: bool,
    /// Take such a secret even if it has fewer than 22 characters, and could be guessed
    #[arg(long, requires = "secret_stdin")]
    pub(crate) weak_secret: bool,
    /// When the secret ends, like 90d [default: never]
    #[arg(long, value_name = "DURATION", conflicts_with = "public")]
    pub(crate) secret_ttl: Option<Ttl>,
}

#[derive(Args, Debug)]
pub(crate) struct ClientList {
    /// Only those of this owner, e.g. tenant:42
    #[arg(long, value_name = "TYPE:ID")]
    pub(crate) owner: Option<Owner>,
    /// Only those in this state: active, revoked or deleted
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<ClientState>,
    /// Only those with this text in their name, or at the beginning of their id
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ClientUpdate {
    /// The client's id
    pub(crate) id: String,
    /// Another name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Another description
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// The grant types from now on
    #[arg(long = "grant", value_name = "GRANT")]
    pub(crate) grants: Vec<GrantType>,
    /// The redirect URIs from now on
    #[arg(long = "redirect-uri", value_name = "URI")]
    pub(crate) redirect_uris: Vec<String>,
    /// Give it this permission
    #[arg(long = "add-permission", value_name = "PERMISSION")]
    pub(crate) add_permissions: Vec<Permission>,
    /// Take this permission from it
    #[arg(long = "remove-permission", value_name = "PERMISSION")]
    pub(crate) remove_permissions: Vec<Permission>,
    /// Give it this role
    #[arg(long = "add-role", value_name = "ROLE")]
    pub(crate) add_roles: Vec<RoleName>,
    /// Take this role from it
    #[arg(long = "remove-role", value_name = "ROLE")]
    pub(crate) remove_roles: Vec<RoleName>,
    /// What a request without scope gets from now on
    #[arg(long = "default-scope", value_name = "PERMISSION")]
    pub(crate) default_scope: Vec<Permission>,
    /// An API that it serves from now on
    #[arg(long, value_name = "API")]
    pub(crate) serves: Vec<String>,
    /// Format of its tokens: jwt, opaque, or default (as the API says)
    #[arg(long, value_name = "FORMAT", value_parser = or_default::<TokenFormat>)]
    pub(crate) format: Option<Setting<TokenFormat>>,
    /// Whose it is from now on, e.g. tenant:42, or none
    #[arg(long, value_name = "TYPE:ID", value_parser = parse_owner_or_none)]
    pub(crate) owner: Option<Setting<Owner>>,
    /// What its access tokens live, like 15m, 1h, 365d, or default (as the API says)
    #[arg(long, value_name = "DURATION", value_parser = or_default::<Ttl>)]
    pub(crate) access_token_ttl: Option<Setting<Ttl>>,
    /// Algorithm of its tokens: RS256, PS256, ES256, EdDSA, or default (as the API says)
    #[arg(long, value_name = "ALG", value_parser = or_default::<Algorithm>)]
    pub(crate) signing_alg: Option<Setting<Algorithm>>,
    /// Whether it must use PKCE when it acts for users: required or optional
    #[arg(long, value_name = "POLICY")]
    pub(crate) pkce: Option<Pkce>,
    /// How long it may send a used refresh token again, like 30s, or default (not at all)
    #[arg(long, value_name = "DURATION", value_parser = or_default::<Ttl>)]
    pub(crate) refresh_retry: Option<Setting<Ttl>>,
}

#[derive(Args, Debug)]
pub(crate) struct Rotate {
    /// The client's id
    pub(crate) id: String,
    /// How long the old secret still works, like 24h [default: not at all]
    #[arg(long, value_name = "DURATION")]
    pub(crate) overlap: Option<Ttl>,
}

#[derive(Args, Debug)]
pub(crate) struct FinishRotation {
    /// The client's id
    pub(crate) id: String,
    /// Whoever still uses the old secret
    #[arg(long)]
    pub(crate) force: bool,
}

fn parse_owner(text: &str) -> Result<Owner, String> {
    text.parse().map_err(|error: grantd_issuer::OwnerError| error.to_string())
}

fn parse_owner_or_none(text: &str) -> Result<Setting<Owner>, String> {
    if text == "none" { Ok(Setting::Clear) } else { parse_owner(text).map(Setting::Set) }
}
