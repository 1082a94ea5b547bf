//! What an edit says of a client's own settings, and the edit that leads from one state to another.

use crate::{client_change::ClientEdit, registration::Registration};

/// What becomes of something that a client or API may have of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setting<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It goes, and what holds for all holds here again.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T: Clone> Setting<T> {
    /// What is there afterwards.
    #[must_use]
    pub fn over(&self, now: Option<T>) -> Option<T> {
        match self {
            Self::Keep => now,
            Self::Clear => None,
            Self::Set(new) => Some(new.clone()),
        }
    }
}

impl<T: Clone + PartialEq> Setting<T> {
    /// What leads from one to the other.
    pub fn between(from: Option<&T>, to: Option<&T>) -> Self {
        match to {
            _ if from == to => Self::Keep,
            None => Self::Clear,
            Some(new) => Self::Set(new.clone()),
        }
    }
}

/// `None` says nothing, so it keeps.
impl<T> From<Option<T>> for Setting<T> {
    fn from(said: Option<T>) -> Self {
        said.map_or(Self::Keep, Self::Set)
    }
}

impl ClientEdit {
    /// The edit that makes of one client all that is said of another. Id, kind, state and
    /// credentials are no part of it.
    pub fn between(from: &Registration, to: &Registration) -> Self {
        Self {
            name: changed(&from.name, &to.name),
            description: changed(&from.description, &to.description),
            grants: changed(&from.grants, &to.grants),
            redirect_uris: changed(&from.redirect_uris, &to.redirect_uris),
            owner: Setting::between(from.owner.as_ref(), to.owner.as_ref()),
            add_permissions: lacking(&from.permissions, &to.permissions),
            remove_permissions: lacking(&to.permissions, &from.permissions),
            add_roles: lacking(&from.roles, &to.roles),
            remove_roles: lacking(&to.roles, &from.roles),
            default_scope: (from.default_scope != to.default_scope)
                .then(|| to.default_scope.clone().unwrap_or_default()),
            serves: changed(&from.serves, &to.serves),
            format: Setting::between(from.format.as_ref(), to.format.as_ref()),
            access_token_ttl: Setting::between(
                from.access_token_ttl.as_ref(),
                to.access_token_ttl.as_ref(),
            ),
            signing_alg: Setting::between(from.signing_alg.as_ref(), to.signing_alg.as_ref()),
            pkce: changed(&from.pkce, &to.pkce),
            refresh_retry: Setting::between(from.refresh_retry.as_ref(), to.refresh_retry.as_ref()),
        }
    }
}

fn changed<T: Clone + PartialEq>(from: &T, to: &T) -> Option<T> {
    (from != to).then(|| to.clone())
}

/// Those of `all` that `some` has not.
pub(crate) fn lacking<T: Clone + PartialEq>(some: &[T], all: &[T]) -> Vec<T> {
    all.iter().filter(|one| !some.contains(one)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use grantd_core::{ClientId, Pkce, Timestamp};

    use super::*;
    use crate::{
        client_change::{Catalog, ClientChange, ClientRecord},
        registration::{NewClient, Owner},
    };

    fn full() -> NewClient {
        NewClient {
            name: "Sync".to_owned(),
            description: "syncs".to_owned(),
            grants: vec!["client_credentials".parse().unwrap()],
            redirect_uris: vec!["https://a.example/cb".to_owned()],
            owner: Some(Owner { kind: "tenant".to_owned(), id: "42".to_owned() }),
            permissions: vec!["b".parse().unwrap(), "a".parse().unwrap()],
            roles: vec!["reader".parse().unwrap()],
            default_scope: vec!["a".parse().unwrap()],
            serves: vec!["default".to_owned()],
            access_token_ttl: Some("2m".parse().unwrap()),
            format: Some("opaque".parse().unwrap()),
            signing_alg: Some("ES256".parse().unwrap()),
            pkce: Pkce::Optional,
            refresh_retry: Some("30s".parse().unwrap()),
            ..NewClient::default()
        }
    }

    fn bare() -> NewClient {
        NewClient { name: "Bare".to_owned(), ..NewClient::default() }
    }

    fn catalog() -> Catalog {
        Catalog {
            permissions: ["a", "b"].map(|name| name.parse().unwrap()).into(),
            roles: [("reader".parse().unwrap(), Vec::new())].into(),
            apis: ["default".to_owned()].into(),
        }
    }

    /// What is said of it, as an operator sees it.
    fn said(client: &Registration) -> Registration {
        Registration { version: 1, generation: 1, ..client.clone() }
    }

    #[test]
    fn the_edit_between_two_makes_one_the_other_and_clears_what_is_not_said() {
        let at = Timestamp::from_seconds(1);
        let id: ClientId = "x".parse().unwrap();
        for (from, to) in [(full(), bare()), (bare(), full()), (full(), full())] {
            let (from, to) =
                (from.into_registration(id.clone(), at), to.into_registration(id.clone(), at));
            let edit = ClientEdit::between(&from, &to);
            assert_eq!(edit == ClientEdit::default(), from == to);
            let mut record = ClientRecord { client: from, credentials: Vec::new() };
            ClientChange::Edit(Box::new(edit)).apply(&mut record, &catalog(), at).unwrap();
            assert_eq!(said(&record.client), to);
        }
    }
}
