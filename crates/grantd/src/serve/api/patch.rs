//! What a PATCH of a client says, and what it makes of the client as it is.

use grantd_issuer::{Registration, Setting, client_change::ClientEdit};
use serde::{Deserialize, Deserializer, de::Error};
use utoipa::ToSchema;

use super::words::{
    Description, Format, Grant, Name, OwnerText, PermissionName, PkcePolicy, RedirectUri, RoleText,
    Seconds, SigningAlg, Word, given, plain,
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
    #[serde(default, deserialize_with = "setting")]
    #[schema(value_type = Option<OwnerText>)]
    owner: Setting<OwnerText>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    permissions: Option<Vec<PermissionName>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    roles: Option<Vec<RoleText>>,
    /// What a request without `scope` gets; empty or null: all of its permissions.
    #[serde(default, deserialize_with = "setting")]
    #[schema(value_type = Option<Vec<PermissionName>>)]
    default_scope: Setting<Vec<PermissionName>>,
    /// The APIs that it is a resource server of.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    serves: Option<Vec<String>>,
    /// What its access tokens live, in seconds.
    #[serde(default, deserialize_with = "setting")]
    #[schema(value_type = Option<Seconds>)]
    access_token_ttl: Setting<Seconds>,
    #[serde(default, deserialize_with = "setting")]
    #[schema(value_type = Option<Format>)]
    format: Setting<Format>,
    #[serde(default, deserialize_with = "setting")]
    #[schema(value_type = Option<SigningAlg>)]
    signing_alg: Setting<SigningAlg>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pkce: Option<PkcePolicy>,
    /// For how many seconds it may send a used refresh token again, 300 at most.
    #[serde(default, deserialize_with = "setting")]
    #[schema(value_type = Option<Seconds>)]
    refresh_retry: Setting<Seconds>,
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
        let kept = known.clone();
        let patched = Registration {
            name: self.name.map_or(kept.name, |name| name.0),
            description: self.description.map_or(kept.description, |text| text.0),
            grants: self.grants.map_or(kept.grants, |grants| plain(grants.0)),
            redirect_uris: self.redirect_uris.map_or(kept.redirect_uris, plain),
            owner: plainly(self.owner, Word::plain).over(kept.owner),
            permissions: self.permissions.map_or(kept.permissions, plain),
            roles: self.roles.map_or(kept.roles, plain),
            default_scope: plainly(self.default_scope, plain).over(kept.default_scope),
            serves: self.serves.unwrap_or(kept.serves),
            access_token_ttl: plainly(self.access_token_ttl, Word::plain)
                .over(kept.access_token_ttl),
            format: plainly(self.format, Word::plain).over(kept.format),
            signing_alg: plainly(self.signing_alg, Word::plain).over(kept.signing_alg),
            pkce: self.pkce.map_or(kept.pkce, |policy| policy.0),
            refresh_retry: plainly(self.refresh_retry, Word::plain).over(kept.refresh_retry),
            ..kept
        };
        ClientEdit::between(known, &patched)
    }
}

/// What a setting stands for.
pub(super) fn plainly<W, T>(setting: Setting<W>, plain: impl FnOnce(W) -> T) -> Setting<T> {
    match setting {
        Setting::Keep => Setting::Keep,
        Setting::Clear => Setting::Clear,
        Setting::Set(word) => Setting::Set(plain(word)),
    }
}

/// A member that is there: null goes back to the default.
pub(super) fn setting<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Setting<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map_or(Setting::Clear, Setting::Set))
}
