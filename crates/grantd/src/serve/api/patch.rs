//! What a PATCH of a client says, and what it makes of the client as it is.

use grantd_core::{Permission, RoleName};
use grantd_issuer::{Registration, Setting, client_change::ClientEdit};
use serde::{Deserialize, Deserializer, de::Error};
use utoipa::ToSchema;

use super::words::{
    Description, Format, Grant, Name, OwnerText, PermissionName, RedirectUri, RoleText, Seconds,
    SigningAlg, given,
};

/// Changes of a client: members that are not there leave things as they are, lists are replaced
/// whole, null goes back to the default (RFC 7396).
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientPatch {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    name: Option<Name>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    description: Option<Description>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, value_type = Vec<Grant>, min_items = 1)]
    grants: Option<Grants>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    redirect_uris: Option<Vec<RedirectUri>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<OwnerText>)]
    owner: Option<Option<OwnerText>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    permissions: Option<Vec<PermissionName>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    roles: Option<Vec<RoleText>>,
    /// What a request without `scope` gets; empty or null: all of its permissions.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<PermissionName>>)]
    default_scope: Option<Option<Vec<PermissionName>>>,
    /// The APIs that it is a resource server of.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    serves: Option<Vec<String>>,
    /// What its access tokens live, in seconds.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Seconds>)]
    access_token_ttl: Option<Option<Seconds>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Format>)]
    format: Option<Option<Format>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<SigningAlg>)]
    signing_alg: Option<Option<SigningAlg>>,
}

/// The grant types of a client, at least one.
struct Grants(Vec<Grant>);

impl<'de> Deserialize<'de> for Grants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let grants = Vec::deserialize(deserializer)?;
        let refuse = || D::Error::custom("a client has at least one grant");
        (!grants.is_empty()).then_some(Self(grants)).ok_or_else(refuse)
    }
}

impl ClientPatch {
    /// The change that makes of this client what is said.
    pub(super) fn edit_of(self, known: &Registration) -> ClientEdit {
        let permissions =
            self.permissions.map(|names| names.into_iter().map(|name| name.0).collect());
        let (add_permissions, remove_permissions) =
            difference::<Permission>(&known.permissions, permissions);
        let roles = self.roles.map(|names| names.into_iter().map(|name| name.0).collect());
        let (add_roles, remove_roles) = difference::<RoleName>(&known.roles, roles);
        let scope = self.default_scope.map(Option::unwrap_or_default);
        ClientEdit {
            name: self.name.map(|name| name.0.0),
            description: self.description.map(|text| text.0.0),
            grants: self.grants.map(|grants| grants.0.into_iter().map(|grant| grant.0).collect()),
            redirect_uris: self
                .redirect_uris
                .map(|uris| uris.into_iter().map(|uri| uri.0.0).collect()),
            owner: setting(self.owner, |owner| owner.0.0),
            add_permissions,
            remove_permissions,
            add_roles,
            remove_roles,
            default_scope: scope.map(|names| names.into_iter().map(|name| name.0).collect()),
            serves: self.serves,
            format: setting(self.format, |format| format.0),
            access_token_ttl: setting(self.access_token_ttl, |ttl| ttl.0),
            signing_alg: setting(self.signing_alg, |alg| alg.0),
        }
    }
}

/// Nothing said, null, or a value.
pub(super) fn setting<W, T>(word: Option<Option<W>>, value: impl FnOnce(W) -> T) -> Setting<T> {
    match word {
        None => Setting::Keep,
        Some(None) => Setting::Clear,
        Some(Some(word)) => Setting::Set(value(word)),
    }
}

/// What to give and what to take, so that the one list becomes the other.
fn difference<T: PartialEq + Clone>(had: &[T], wanted: Option<Vec<T>>) -> (Vec<T>, Vec<T>) {
    let Some(wanted) = wanted else { return (Vec::new(), Vec::new()) };
    let taken = had.iter().filter(|name| !wanted.contains(name)).cloned().collect();
    (wanted, taken)
}
