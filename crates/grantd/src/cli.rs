//! The command line: what can be said to grantd, and who answers.

use clap::{Args, Parser, Subcommand};
use grantd_core::{
    Algorithm, ClientId, ClientState, CredentialId, GrantType, Permission, RoleName, TokenFormat,
    Ttl,
};

use crate::settings::{Flags, ServeFlags};

/// The OAuth 2.0 authorization server for machines.
#[derive(Parser, Debug)]
#[command(name = "grantd", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do; without a command: serve
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten, next_help_heading = "Global options")]
    pub(crate) flags: Flags,
    #[command(flatten, next_help_heading = "Options of serve")]
    pub(crate) serve: ServeFlags,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the server
    Serve(ServeFlags),
    /// Try everything on a temporary database: prints curl lines that work as they are
    Demo(DemoFlags),
    /// Signing keys
    #[command(subcommand)]
    Keys(Keys),
    /// App clients
    #[command(subcommand)]
    Client(Client),
    /// Roles: named sets of permissions
    #[command(subcommand)]
    Role(Role),
    /// Permissions: named rights, which are the scopes of tokens
    #[command(subcommand)]
    Permission(PermissionCommand),
    /// APIs: what tokens are for
    #[command(subcommand)]
    Api(Api),
    /// The audit log: every change with who, when and what
    #[command(subcommand)]
    Audit(Audit),
    /// Bring the database up to this grantd's schema (serve does so too)
    Migrate,
}

#[derive(Args, Debug)]
pub(crate) struct DemoFlags {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
}

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
    pub(crate) owner: Option<(String, String)>,
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
    /// An id brought in from elsewhere [default: a UUID]
    #[arg(long)]
    pub(crate) id: Option<ClientId>,
    /// Read a secret brought in from elsewhere from standard input, instead of making one
    #[arg(long, conflicts_with = "public")]
    pub(crate) secret_stdin: bool,
    /// When the secret ends, like 90d [default: never]
    #[arg(long, value_name = "DURATION", conflicts_with = "public")]
    pub(crate) secret_ttl: Option<Ttl>,
}

#[derive(Args, Debug)]
pub(crate) struct ClientList {
    /// Only those of this owner, e.g. tenant:42
    #[arg(long, value_name = "TYPE:ID", value_parser = parse_owner)]
    pub(crate) owner: Option<(String, String)>,
    /// Only those in this state: active, revoked or deleted
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<ClientState>,
    /// Only those with this text in their name or id
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
    /// Format of its tokens: jwt or opaque
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<TokenFormat>,
    /// Whose it is from now on, e.g. tenant:42
    #[arg(long, value_name = "TYPE:ID", value_parser = parse_owner)]
    pub(crate) owner: Option<(String, String)>,
    /// What its access tokens live, like 15m, 1h, 365d
    #[arg(long, value_name = "DURATION")]
    pub(crate) access_token_ttl: Option<Ttl>,
    /// Algorithm of its tokens: RS256, PS256, ES256, EdDSA
    #[arg(long, value_name = "ALG")]
    pub(crate) signing_alg: Option<Algorithm>,
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

#[derive(Subcommand, Debug)]
pub(crate) enum Role {
    /// Create a role
    Create(RoleCreate),
    /// List roles
    List,
    /// Change a role; taking a permission kills the tokens of all who have the role
    Update(RoleUpdate),
    /// Remove a role from the server and from all who have it
    Delete {
        /// The role's name
        name: RoleName,
    },
    /// Show one role
    Show {
        /// The role's name
        name: RoleName,
    },
}

#[derive(Args, Debug)]
pub(crate) struct RoleCreate {
    /// The role's name
    pub(crate) name: RoleName,
    /// What it is for
    #[arg(long, default_value = "")]
    pub(crate) description: String,
    /// Give it this permission
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub(crate) permissions: Vec<Permission>,
}

#[derive(Args, Debug)]
pub(crate) struct RoleUpdate {
    /// The role's name
    pub(crate) name: RoleName,
    /// Another description
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Give it this permission
    #[arg(long = "add-permission", value_name = "PERMISSION")]
    pub(crate) add_permissions: Vec<Permission>,
    /// Take this permission from it
    #[arg(long = "remove-permission", value_name = "PERMISSION")]
    pub(crate) remove_permissions: Vec<Permission>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum PermissionCommand {
    /// Create a permission
    Create(PermissionCreate),
    /// List permissions
    List,
    /// Remove a permission from the server and from all who have it; their tokens die
    Delete {
        /// The permission's name
        name: Permission,
    },
}

#[derive(Args, Debug)]
pub(crate) struct PermissionCreate {
    /// The permission's name, e.g. invoices.read
    pub(crate) name: Permission,
    /// The API it belongs to
    #[arg(long, default_value = grantd_core::Api::DEFAULT)]
    pub(crate) api: String,
    /// What it allows, in plain words
    #[arg(long, default_value = "")]
    pub(crate) description: String,
}

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

fn parse_owner(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => {
            Ok((kind.to_owned(), id.to_owned()))
        }
        _ => Err("write TYPE:ID, like tenant:42".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
