//! What operators see, as JSON: one shape for the command line, the admin API and the audit log.

use grantd_core::{Algorithm, Api, GrantType, Timestamp, TokenFormat, Ttl};
use serde::Serialize;
use serde_json::Value;

use crate::{
    audit::AuditEvent,
    registration::{CredentialSummary, PermissionEntry, Registration, RoleEntry},
};

/// Something that operators see as JSON.
pub trait ToJson {
    /// Its members, no secret among them.
    fn to_json(&self) -> Value;
}

/// An app client.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Client))]
pub struct ClientView {
    /// Its public identifier.
    pub client_id: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `confidential` or `public` (RFC 6749 section 2.1).
    pub kind: &'static str,
    /// `active`, `revoked` or `deleted`.
    pub state: &'static str,
    /// The grant types it may use.
    pub grants: Vec<&'static str>,
    /// Where the authorization code may be sent, matched exactly.
    pub redirect_uris: Vec<String>,
    /// Whose it is, as `TYPE:ID`.
    pub owner: Option<String>,
    /// Its direct permissions.
    pub permissions: Vec<String>,
    /// Its roles.
    pub roles: Vec<String>,
    /// What a request without `scope` gets; null: all of its permissions.
    pub default_scope: Option<Vec<String>>,
    /// The APIs that it is a resource server of.
    pub serves: Vec<String>,
    /// What its access tokens live, in seconds; null: as the API says.
    pub access_token_ttl: Option<u32>,
    /// `jwt` or `opaque`; null: as the API says.
    pub format: Option<&'static str>,
    /// Algorithm of its access tokens; null: as the API says.
    pub signing_alg: Option<&'static str>,
    /// `required`, or `optional` for a confidential client that acts for users without PKCE.
    pub pkce: &'static str,
    /// For how many seconds it may send a refresh token again that it has used; null: not at all.
    pub refresh_retry: Option<u32>,
    /// Raised whenever its tokens must die.
    pub generation: u64,
    /// Raised by every change; the ETag is made of it.
    pub version: u64,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub updated_at: String,
    /// Its secrets, without what they prove with, oldest first.
    pub credentials: Vec<CredentialView>,
}

/// What may be seen of a secret.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Credential))]
pub struct CredentialView {
    /// Its id (claim `cid` of the tokens it obtains).
    pub credential_id: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// When it ends, RFC 3339, UTC; null: it does not.
    pub expires_at: Option<String>,
    /// When it last proved the client, to within half a minute, mostly seconds; null: never.
    pub last_used_at: Option<String>,
    /// From which address that was.
    pub last_used_from: Option<String>,
}

/// A role: a named set of permissions.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Role))]
pub struct RoleView {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its permissions.
    pub permissions: Vec<String>,
}

/// A permission: a named right, which is a scope of tokens.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Permission))]
pub struct PermissionView {
    /// Its name, unique in the whole server.
    pub name: String,
    /// The API it belongs to.
    pub api: String,
    /// What it allows, in plain words.
    pub description: String,
}

/// An API: what tokens are for.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Api))]
pub struct ApiView {
    /// Its name.
    pub name: String,
    /// The `aud` of its tokens; null: the issuer.
    pub audience: Option<String>,
    /// `jwt` or `opaque`; null: `jwt`.
    pub format: Option<&'static str>,
    /// Algorithm of its tokens; null: the server's default signer.
    pub signing_alg: Option<&'static str>,
    /// What its tokens live, in seconds; null: as the server says.
    pub access_token_ttl: Option<u32>,
}

/// A change, as the audit log has it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AuditEvent))]
pub struct AuditEventView {
    /// Its place in the chain, from 1.
    pub seq: u64,
    /// RFC 3339, UTC.
    pub at: String,
    /// Who, e.g. `cli:root` or `client:ID`.
    pub actor: String,
    /// From which address, if over a network.
    pub address: Option<String>,
    /// What was done, e.g. `client.rotate`.
    pub action: String,
    /// To what: kind and id, e.g. `client:ID`.
    pub object: String,
    /// The object before; null where there was none.
    pub before: Option<Value>,
    /// The object after; null where there is none.
    pub after: Option<Value>,
    /// SHA-256 over the hash of the event before and this one, in hexadecimal digits.
    pub hash: String,
}

impl From<&Registration> for ClientView {
    fn from(client: &Registration) -> Self {
        Self {
            client_id: client.id.to_string(),
            name: client.name.clone(),
            description: client.description.clone(),
            kind: client.kind.as_str(),
            state: client.state.as_str(),
            grants: client.grants.iter().map(GrantType::as_str).collect(),
            redirect_uris: client.redirect_uris.clone(),
            owner: client.owner.as_ref().map(ToString::to_string),
            permissions: names(&client.permissions),
            roles: names(&client.roles),
            default_scope: client.default_scope.as_deref().map(names),
            serves: client.serves.clone(),
            access_token_ttl: client.access_token_ttl.map(Ttl::seconds),
            format: client.format.map(TokenFormat::as_str),
            signing_alg: client.signing_alg.map(Algorithm::as_str),
            pkce: client.pkce.as_str(),
            refresh_retry: client.refresh_retry.map(Ttl::seconds),
            generation: client.generation,
            version: client.version,
            created_at: moment(client.created_at),
            updated_at: moment(client.updated_at),
            credentials: client.credentials.iter().map(CredentialView::from).collect(),
        }
    }
}

impl From<&CredentialSummary> for CredentialView {
    fn from(credential: &CredentialSummary) -> Self {
        let last = credential.last_used.as_ref();
        Self {
            credential_id: credential.id.to_string(),
            created_at: moment(credential.created_at),
            expires_at: credential.expires_at.map(moment),
            last_used_at: last.map(|last| moment(last.at)),
            last_used_from: last.map(|last| last.address.clone()),
        }
    }
}

impl From<&RoleEntry> for RoleView {
    fn from(role: &RoleEntry) -> Self {
        Self {
            name: role.name.to_string(),
            description: role.description.clone(),
            permissions: names(&role.permissions),
        }
    }
}

impl From<&PermissionEntry> for PermissionView {
    fn from(entry: &PermissionEntry) -> Self {
        Self {
            name: entry.name.to_string(),
            api: entry.api.clone(),
            description: entry.description.clone(),
        }
    }
}

impl From<&Api> for ApiView {
    fn from(api: &Api) -> Self {
        Self {
            name: api.name.clone(),
            audience: api.audience.clone(),
            format: api.format.map(TokenFormat::as_str),
            signing_alg: api.signing_alg.map(Algorithm::as_str),
            access_token_ttl: api.access_token_ttl.map(Ttl::seconds),
        }
    }
}

impl From<&AuditEvent> for AuditEventView {
    fn from(event: &AuditEvent) -> Self {
        let parsed = |text: &Option<String>| {
            text.as_deref().and_then(|text| serde_json::from_str(text).ok())
        };
        Self {
            seq: event.seq,
            at: moment(event.at),
            actor: event.actor.clone(),
            address: event.address.clone(),
            action: event.action.clone(),
            object: event.object.clone(),
            before: parsed(&event.before),
            after: parsed(&event.after),
            hash: hexadecimal(&event.hash),
        }
    }
}

macro_rules! to_json {
    ($($shown:ty as $view:ty),+) => {
        $(impl ToJson for $shown {
            fn to_json(&self) -> Value {
                serde_json::to_value(<$view>::from(self)).unwrap_or_default()
            }
        })+
    };
}

to_json! {
    Registration as ClientView,
    RoleEntry as RoleView,
    PermissionEntry as PermissionView,
    Api as ApiView,
    AuditEvent as AuditEventView
}

/// A moment as RFC 3339 text in UTC, to the second.
pub fn moment(at: Timestamp) -> String {
    let text = jiff::Timestamp::from_second(at.seconds()).map(|at| at.to_string());
    text.unwrap_or_else(|_| at.seconds().to_string())
}

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn names<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
