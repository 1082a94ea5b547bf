//! A user: a person with an account, who enters by a password and acts through clients.

use std::{fmt, ops::RangeInclusive, str::FromStr, sync::Arc};

use grantd_core::{Permission, RoleName, Timestamp, UserId, UserState};

use crate::{password::PasswordHash, registration::sorted};

/// A user as an operator sees them, no password among it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id (claim `sub` of tokens on their behalf).
    pub id: UserId,
    /// What they sign in with.
    pub name: UserName,
    /// Whether they may act.
    pub state: UserState,
    /// Direct permissions, sorted.
    pub permissions: Vec<Permission>,
    /// Roles, sorted.
    pub roles: Vec<RoleName>,
    /// Raised whenever tokens on their behalf must die (claim `ugen`).
    pub generation: u64,
    /// Raised by every change, so that two who change at once notice each other.
    pub version: u64,
    /// When they were created.
    pub created_at: Timestamp,
    /// When they were last changed.
    pub updated_at: Timestamp,
    /// When they last signed in; `None`: never.
    pub last_login_at: Option<Timestamp>,
}

/// A user with what their password is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// What an operator sees.
    pub user: User,
    /// The password's hash; `None`: nobody enters by a password.
    pub password: Option<PasswordHash>,
}

/// Unicode's format characters (category Cf, 16.0) and line ends: they hide, or turn text around.
const UNSEEN: [RangeInclusive<char>; 21] = [
    '\u{ad}'..='\u{ad}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{2064}',
    '\u{2066}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0001}'..='\u{e0001}',
    '\u{e0020}'..='\u{e007f}',
];

/// What a user signs in with: 1 to 200 characters on one line without blanks at its ends, and no
/// UUID, which would be taken for an id. Unique whatever the case of its letters.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct UserName(Arc<str>);

/// Why a text cannot name a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user's name has 1 to 200 characters on one line, no blanks at its ends, and is no UUID")]
pub struct UserNameError;

impl UserName {
    /// The most characters a name has.
    pub const MAX_LENGTH: usize = 200;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every sign of it is seen and none makes it look like another actor of the audit log
    /// (`cli:root`): what a new name must be. Names from before this was asked go on working.
    pub fn is_plain(&self) -> bool {
        !self.0.contains(|c: char| c == ':' || UNSEEN.iter().any(|range| range.contains(&c)))
    }

    /// What names are compared by: two of the same key are one.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for UserName {
    type Err = UserNameError;

    fn from_str(text: &str) -> Result<Self, UserNameError> {
        let fits = (1..=Self::MAX_LENGTH).contains(&text.chars().count()) && text.trim() == text;
        // U+2028 and U+2029 end a line too, and are no control characters.
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if !fits || text.contains(breaks) || text.parse::<UserId>().is_ok() {
            return Err(UserNameError);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an operator says of a user to be.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What they will sign in with.
    pub name: UserName,
    /// Their password, hashed; `None`: nobody enters by a password.
    pub password: Option<PasswordHash>,
    /// Direct permissions.
    pub permissions: Vec<Permission>,
    /// Roles.
    pub roles: Vec<RoleName>,
}

impl NewUser {
    /// The user as they begin.
    pub fn into_record(self, id: UserId, now: Timestamp) -> UserRecord {
        let user = User {
            id,
            name: self.name,
            state: UserState::Active,
            permissions: sorted(self.permissions),
            roles: sorted(self.roles),
            generation: 1,
            version: 1,
            created_at: now,
            updated_at: now,
            last_login_at: None,
        };
        UserRecord { user, password: self.password }
    }
}

/// Which users a list shows; without more, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Only those in this state.
    pub state: Option<UserState>,
    /// Only those with this text in their name, whatever the case of its ASCII letters.
    pub search: Option<String>,
}

impl UserFilter {
    /// Whether the list shows this user.
    pub fn shows(&self, user: &User) -> bool {
        let has = |text: &String| {
            user.name.as_str().to_ascii_lowercase().contains(&text.to_ascii_lowercase())
        };
        self.state.is_none_or(|state| state == user.state) && self.search.as_ref().is_none_or(has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_and_no_id() {
        for good in ["a", "Ada Lovelace", "ada@a.example", "Ωmega", &"é".repeat(200)] {
            assert_eq!(good.parse::<UserName>().unwrap().as_str(), good);
        }
        let uuid = "0190a6c0-0000-7000-8000-000000000000";
        let bad =
            ["", " a", "a\u{a0}", "a\nb", "a\u{2028}b", "\u{0}", uuid, &uuid.replace('-', "")];
        for bad in bad.into_iter().chain([&*"a".repeat(201)]) {
            assert_eq!(bad.parse::<UserName>(), Err(UserNameError), "{bad:?}");
        }
    }

    #[test]
    fn a_plain_name_has_no_colon_and_nothing_unseen() {
        let plain = |text: &str| text.parse::<UserName>().unwrap().is_plain();
        assert!(plain("Ada Lovelace") && plain("ada@a.example") && plain("Ωmega-é ❤️"));
        for bad in ["cli:root", "a\u{200d}b", "\u{2066}a", "a\u{e0041}", "a\u{ad}b"] {
            assert!(!plain(bad), "{bad:?}");
        }
    }

    #[test]
    fn names_that_differ_in_case_alone_are_one() {
        let key = |text: &str| text.parse::<UserName>().unwrap().key();
        assert_eq!(key("Ada@Example"), key("aDA@eXAMPLE"));
        assert_eq!(key("ÉMILE"), key("émile"));
        assert_ne!(key("ada"), key("ado"));
    }
}
