//! Registrations as JSON: one shape for the command line, the admin API and the audit log.

use grantd_core::{Algorithm, Api, GrantType, Timestamp, TokenFormat, Ttl};
use serde_json::{Value, json};

use crate::registration::{CredentialSummary, PermissionEntry, Registration, RoleEntry};

/// Something that operators see as JSON.
pub trait ToJson {
    /// Its members, no secret among them.
    fn to_json(&self) -> Value;
}

impl ToJson for Registration {
    fn to_json(&self) -> Value {
        json!({
            "client_id": self.id.as_str(),
            "name": self.name,
            "description": self.description,
            "kind": self.kind.as_str(),
            "state": self.state.as_str(),
            "grants": self.grants.iter().map(GrantType::as_str).collect::<Vec<_>>(),
            "redirect_uris": self.redirect_uris,
            "owner": self.owner.as_ref().map(|owner| format!("{}:{}", owner.kind, owner.id)),
            "permissions": names(&self.permissions),
            "roles": names(&self.roles),
            "default_scope": self.default_scope.as_ref().map(|scope| names(scope)),
            "serves": self.serves,
            "access_token_ttl": self.access_token_ttl.map(Ttl::seconds),
            "format": self.format.map(TokenFormat::as_str),
            "signing_alg": self.signing_alg.map(Algorithm::as_str),
            "generation": self.generation,
            "version": self.version,
            "created_at": moment(self.created_at),
            "updated_at": moment(self.updated_at),
            "credentials": self.credentials.iter().map(ToJson::to_json).collect::<Vec<_>>(),
        })
    }
}

impl ToJson for CredentialSummary {
    fn to_json(&self) -> Value {
        json!({
            "credential_id": self.id.to_string(),
            "created_at": moment(self.created_at),
            "expires_at": self.expires_at.map(moment),
            "last_used_at": self.last_used.as_ref().map(|last| moment(last.at)),
            "last_used_from": self.last_used.as_ref().map(|last| &last.address),
        })
    }
}

impl ToJson for RoleEntry {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name.as_str(),
            "description": self.description,
            "permissions": names(&self.permissions),
        })
    }
}

impl ToJson for PermissionEntry {
    fn to_json(&self) -> Value {
        json!({ "name": self.name.as_str(), "api": self.api, "description": self.description })
    }
}

impl ToJson for Api {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "audience": self.audience,
            "format": self.format.map(TokenFormat::as_str),
            "signing_alg": self.signing_alg.map(Algorithm::as_str),
            "access_token_ttl": self.access_token_ttl.map(Ttl::seconds),
        })
    }
}

/// A moment as RFC 3339 text in UTC, to the second.
pub fn moment(at: Timestamp) -> String {
    let text = jiff::Timestamp::from_second(at.seconds()).map(|at| at.to_string());
    text.unwrap_or_else(|_| at.seconds().to_string())
}

fn names<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
