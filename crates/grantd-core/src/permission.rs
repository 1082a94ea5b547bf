//! Permissions and roles: named rights, and named sets of them.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

/// Why a text cannot name a permission or a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to 100 printable ASCII characters without blank, quote and backslash (RFC 6749 section 3.3)"
)]
pub struct NameError;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if text.is_empty() || text.len() > 100 || !text.bytes().all(is_scope_byte) {
                    return Err(NameError);
                }
                Ok(Self(text.into()))
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A named right, e.g. `invoices.read`. Its name is the OAuth scope a client asks for, so it is
    /// a scope-token (RFC 6749 section 3.3), case-sensitive, at most 100 characters.
    Permission
}
name! {
    /// The name of a role, a set of permissions. Same characters as a permission.
    RoleName
}

/// The names in a scope, which blanks separate; none where it is empty.
pub fn scope_names(scope: &str) -> impl Iterator<Item = &str> + Clone {
    scope.split(' ').filter(|name| !name.is_empty())
}

/// Whether a byte may stand in a scope-token: `%x21 / %x23-5B / %x5D-7E` (RFC 6749 section 3.3).
pub const fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}
