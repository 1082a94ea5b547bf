//! The entries of a file: members named as `grantd … show --json` prints them.

use grantd_core::{
    Algorithm, Api as CoreApi, ClientId, GrantType, Permission as PermissionName, Pkce, RoleName,
    Timestamp, TokenFormat, Ttl,
};
use grantd_issuer::{
    CommandError, NewClient, Owner, PermissionEntry, RoleEntry,
    checks::{check_api, check_client, check_description},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{DeclaredClient, members};

/// One kind of entry.
pub(super) trait Entry: DeserializeOwned {
    /// What it declares.
    type What;
    /// Its name in the file.
    const KIND: &'static str;

    /// What it declares, or what is wrong with it by itself.
    fn check(self) -> Result<Self::What, String>;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Api {
    name: String,
    audience: Option<String>,
    #[serde(default, deserialize_with = "members::perhaps")]
    format: Option<TokenFormat>,
    #[serde(default, deserialize_with = "members::perhaps")]
    signing_alg: Option<Algorithm>,
    #[serde(default, deserialize_with = "members::ttl")]
    access_token_ttl: Option<Ttl>,
}

impl Entry for Api {
    type What = CoreApi;
    const KIND: &'static str = "api";

    fn check(self) -> Result<CoreApi, String> {
        let api = CoreApi {
            name: self.name,
            audience: self.audience,
            format: self.format,
            signing_alg: self.signing_alg,
            access_token_ttl: self.access_token_ttl,
        };
        match (&*api.name, &api.audience) {
            (CoreApi::DEFAULT, None) => {}
            (CoreApi::DEFAULT, Some(_)) => {
                return Err(
                    "the audience of API `default` is the issuer: take `audience` out".to_owned()
                );
            }
            (_, None) => {
                return Err(format!(
                    "API `{}` needs an audience: add audience = \"https://…\", the `aud` of its tokens",
                    api.name
                ));
            }
            (_, Some(_)) => check_api(&api).map_err(|error| in_entry("API", &api.name, &error))?,
        }
        Ok(api)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Permission {
    #[serde(deserialize_with = "members::one")]
    name: PermissionName,
    #[serde(default = "default_api")]
    api: String,
    #[serde(default)]
    description: String,
}

fn default_api() -> String {
    CoreApi::DEFAULT.to_owned()
}

impl Entry for Permission {
    type What = PermissionEntry;
    const KIND: &'static str = "permission";

    fn check(self) -> Result<PermissionEntry, String> {
        check_description(&self.description)
            .map_err(|error| in_entry("permission", &self.name, &error))?;
        Ok(PermissionEntry { name: self.name, api: self.api, description: self.description })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    #[serde(deserialize_with = "members::one")]
    name: RoleName,
    #[serde(default)]
    description: String,
    #[serde(default, deserialize_with = "members::many")]
    permissions: Vec<PermissionName>,
}

impl Entry for Role {
    type What = RoleEntry;
    const KIND: &'static str = "role";

    fn check(self) -> Result<RoleEntry, String> {
        check_description(&self.description)
            .map_err(|error| in_entry("role", &self.name, &error))?;
        Ok(RoleEntry::new(self.name, self.description, self.permissions))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    #[serde(rename = "client_id", alias = "id", deserialize_with = "members::one")]
    id: ClientId,
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    kind: Kind,
    #[serde(default, deserialize_with = "members::many")]
    grants: Vec<GrantType>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default, deserialize_with = "members::perhaps")]
    owner: Option<Owner>,
    #[serde(default, deserialize_with = "members::many")]
    permissions: Vec<PermissionName>,
    #[serde(default, deserialize_with = "members::many")]
    roles: Vec<RoleName>,
    #[serde(default, deserialize_with = "members::many")]
    default_scope: Vec<PermissionName>,
    #[serde(default)]
    serves: Vec<String>,
    #[serde(default, deserialize_with = "members::ttl")]
    access_token_ttl: Option<Ttl>,
    #[serde(default, deserialize_with = "members::perhaps")]
    format: Option<TokenFormat>,
    #[serde(default, deserialize_with = "members::perhaps")]
    signing_alg: Option<Algorithm>,
    #[serde(default, deserialize_with = "members::perhaps")]
    pkce: Option<Pkce>,
    #[serde(default, deserialize_with = "members::ttl")]
    refresh_retry: Option<Ttl>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Confidential,
    Public,
}

impl Entry for Client {
    type What = DeclaredClient;
    const KIND: &'static str = "client";

    fn check(self) -> Result<DeclaredClient, String> {
        let id = self.id;
        let new = NewClient {
            id: Some(id.clone()),
            name: self.name,
            description: self.description,
            public: self.kind == Kind::Public,
            grants: self.grants,
            redirect_uris: self.redirect_uris,
            owner: self.owner,
            permissions: self.permissions,
            roles: self.roles,
            default_scope: self.default_scope,
            serves: self.serves,
            access_token_ttl: self.access_token_ttl,
            format: self.format,
            signing_alg: self.signing_alg,
            pkce: self.pkce.unwrap_or_default(),
            refresh_retry: self.refresh_retry,
            ..NewClient::default()
        };
        check_client(&new).map_err(|error| in_entry("client", &id, &error))?;
        let wanted = new.clone().into_registration(id, Timestamp::default());
        Ok(DeclaredClient { new, wanted })
    }
}

fn in_entry(kind: &str, name: &impl std::fmt::Display, error: &CommandError) -> String {
    format!("{kind} `{name}`: {error}")
}
