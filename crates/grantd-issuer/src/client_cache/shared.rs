//! What cached clients have in common, kept once: roles, rights, APIs and the names of permissions. It
//! halves what a client costs in memory.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use grantd_core::{Api, Client, ClientApi, Permission, RoleName};

/// How many of each are shared at most; what comes later is each client's own.
const MOST: usize = 10_000;

#[derive(Default)]
pub(super) struct Shared(Mutex<Known>);

#[derive(Default)]
struct Known {
    apis: HashMap<String, Arc<Api>>,
    permissions: HashSet<Permission>,
    roles: HashSet<Arc<[RoleName]>>,
    rights: HashSet<Arc<[ClientApi]>>,
}

impl Shared {
    /// Makes the client as small as it can be, and no other.
    pub(super) fn share(&self, client: &mut Client) {
        let mut known = self.known();
        let Known { apis, permissions, roles, rights } = &mut *known;
        // Where somebody has the same rights they are taken whole; else their parts may be known.
        if !rights.contains(&client.apis) {
            let mut own = client.apis.to_vec();
            for of_api in &mut own {
                share_api(apis, &mut of_api.api);
                share_names(permissions, &mut of_api.permissions);
            }
            client.apis = own.into();
        }
        share(rights, &mut client.apis);
        share(roles, &mut client.roles);
        client.serves.iter_mut().for_each(|api| share_api(apis, api));
        if let Some(scope) = &mut client.default_scope {
            share_names(permissions, scope);
        }
        client.serves.shrink_to_fit();
        client.credentials.shrink_to_fit();
    }

    /// Keeps nothing that only former clients had.
    pub(super) fn forget(&self) {
        *self.known() = Known::default();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same in the place of this one, if it is known by now.
fn share<N: Eq + Hash>(known: &mut HashSet<Arc<[N]>>, list: &mut Arc<[N]>) {
    if let Some(same) = known.get(&**list) {
        *list = Arc::clone(same);
    } else if known.len() < MOST {
        known.insert(Arc::clone(list));
    }
}

/// An API that was changed is another one, whatever its name.
fn share_api(known: &mut HashMap<String, Arc<Api>>, api: &mut Arc<Api>) {
    match known.get(&api.name) {
        Some(same) if same == api => *api = Arc::clone(same),
        None if known.len() >= MOST => {}
        _ => drop(known.insert(api.name.clone(), Arc::clone(api))),
    }
}

fn share_names<N: Clone + Eq + Hash>(known: &mut HashSet<N>, names: &mut Vec<N>) {
    for name in names.iter_mut() {
        if let Some(same) = known.get(name) {
            name.clone_from(same);
        } else if known.len() < MOST {
            known.insert(name.clone());
        }
    }
    names.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use grantd_core::{ClientKind, ClientState, GrantType, Ttl};

    use super::*;

    fn client(ttl: Option<u32>) -> Client {
        let mut api = Api::default_api();
        api.access_token_ttl = ttl.and_then(|ttl| Ttl::from_seconds(ttl.into()));
        let a = |text: &str| text.parse::<Permission>().unwrap();
        Client {
            id: "c".parse().unwrap(),
            kind: ClientKind::Confidential,
            state: ClientState::Active,
            grants: [GrantType::ClientCredentials].into_iter().collect(),
            credentials: Vec::new(),
            roles: ["reader".parse().unwrap()].into(),
            apis: [ClientApi { api: Arc::new(api), permissions: vec![a("read"), a("write")] }]
                .into(),
            serves: vec![Arc::new(Api::default_api())],
            default_scope: Some(vec![a("read")]),
            generation: 1,
            access_token_ttl: None,
            format: None,
            signing_alg: None,
            code: None,
        }
    }

    #[test]
    fn a_client_stays_what_it_was_and_shares_what_is_the_same() {
        let shared = Shared::default();
        let (mut first, mut second) = (client(None), client(None));
        shared.share(&mut first);
        shared.share(&mut second);
        assert_eq!(second, client(None));
        assert!(Arc::ptr_eq(&first.apis[0].api, &second.apis[0].api));
        assert!(Arc::ptr_eq(&second.apis[0].api, &second.serves[0]));
        assert!(Arc::ptr_eq(&first.apis, &second.apis));
        assert!(Arc::ptr_eq(&first.roles, &second.roles));
        let mut other = client(None);
        other.apis = [ClientApi {
            api: Arc::new(Api::default_api()),
            permissions: vec!["read".parse().unwrap()],
        }]
        .into();
        shared.share(&mut other);
        let place = |client: &Client| client.apis[0].permissions[0].as_str().as_ptr();
        assert!(!Arc::ptr_eq(&first.apis, &other.apis));
        assert_eq!(place(&first), place(&other));
    }

    #[test]
    fn an_api_that_was_changed_is_not_taken_for_the_one_before() {
        let shared = Shared::default();
        let (mut before, mut after) = (client(Some(60)), client(Some(90)));
        shared.share(&mut before);
        shared.share(&mut after);
        assert_eq!((before, after), (client(Some(60)), client(Some(90))));
    }
}
