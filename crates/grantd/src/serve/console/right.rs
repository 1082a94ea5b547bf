//! A permission as the people read it whose account it is about.

use grantd_issuer::PermissionEntry;

/// A permission in plain words.
pub(in crate::serve) struct Right {
    pub(in crate::serve) name: String,
    /// What it allows; empty where nobody wrote it down.
    pub(in crate::serve) words: String,
}

impl Right {
    /// These permissions, in their order.
    pub(in crate::serve) fn all<'n>(
        names: impl IntoIterator<Item = &'n str>,
        known: &[PermissionEntry],
    ) -> Vec<Self> {
        let right = |name: &str| {
            let entry = known.iter().find(|entry| entry.name.as_str() == name);
            let words = entry.map(|entry| entry.description.clone()).unwrap_or_default();
            Self { name: name.to_owned(), words }
        };
        names.into_iter().map(right).collect()
    }
}
