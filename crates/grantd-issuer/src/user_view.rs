//! Users as operators see them, in JSON.

use serde::Serialize;
use serde_json::Value;

use crate::{
    registration_json::{ToJson, moment, names},
    user::User,
};

/// A user: a person with an account.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = User))]
pub struct UserView {
    /// Their id, a UUID (claim `sub` of tokens on their behalf).
    pub user_id: String,
    /// What they sign in with.
    pub name: String,
    /// `active` or `disabled`.
    pub state: &'static str,
    /// Their direct permissions.
    pub permissions: Vec<String>,
    /// Their roles.
    pub roles: Vec<String>,
    /// Raised whenever tokens on their behalf must die.
    pub generation: u64,
    /// Raised by every change; the ETag is made of it.
    pub version: u64,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub updated_at: String,
    /// When they last signed in, RFC 3339, UTC; null: never.
    pub last_login_at: Option<String>,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            user_id: user.id.to_string(),
            name: user.name.to_string(),
            state: user.state.as_str(),
            permissions: names(&user.permissions),
            roles: names(&user.roles),
            generation: user.generation,
            version: user.version,
            created_at: moment(user.created_at),
            updated_at: moment(user.updated_at),
            last_login_at: user.last_login_at.map(moment),
        }
    }
}

impl ToJson for User {
    fn to_json(&self) -> Value {
        serde_json::to_value(UserView::from(self)).unwrap_or_default()
    }
}
