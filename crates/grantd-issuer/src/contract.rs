//! The storage contract as a test suite: memory, SQLite and whatever a host brings must all pass.
//!
//! ```ignore
//! grantd_issuer::storage_contract!(async { Memory::default() });
//! ```

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a failed expectation is the verdict of a test"
)]

pub mod approvals;
pub mod changes;
pub mod lists;
pub mod passkeys;
pub mod sessions;
pub mod survey;
pub mod tokens;
pub mod usage;
pub mod users;

pub use changes::*;
pub use lists::*;
pub use passkeys::*;
pub use sessions::*;
pub use survey::*;
pub use usage::*;
pub use users::*;

use std::sync::Arc;

use grantd_core::{Api, ClientId, ClientState, Permission, RoleName, SecretHasher, SecretKey};

use crate::{
    Admin, ClientFilter, Conflict, Created, NewClient, PermissionEntry, Registrar, Registry,
    RegistryError, RoleEntry, Stamp,
};

/// Makes one test of each clause, each on a storage of its own that the block gives. The block's
/// value may be a tuple whose first member is the storage, the others kept alive for the test.
#[macro_export]
macro_rules! storage_contract {
    ($make:expr) => {
        $crate::storage_contract! { $make;
            a_created_client_is_found_whole
            an_unknown_client_is_nobody
            an_id_is_taken_once
            unknown_permissions_and_roles_are_named_and_nothing_is_half_there
            effective_permissions_are_direct_ones_and_those_of_roles_api_by_api
            clients_are_listed_page_by_page_without_deleted_ones
            a_change_of_state_raises_the_generation
            names_are_unique
            every_change_moves_the_revision
            parallel_changes_all_happen
            a_rotated_secret_works_beside_the_old_one_until_the_overlap_ends
            a_rotation_is_made_once_of_what_was_seen
            a_secret_still_in_use_stops_the_finish_of_a_rotation
            the_end_of_a_rotation_leaves_a_secret_that_works
            narrowing_kills_and_widening_does_not
            a_change_of_a_role_reaches_all_who_have_it
            a_permission_is_described_anew
            settings_of_a_client_s_own_can_be_cleared
            a_deleted_permission_is_gone_everywhere
            the_change_log_keeps_the_newest_of_each_and_says_what_dies
            ended_entries_are_forgotten_and_no_others
            every_change_is_in_the_audit_log_and_the_chain_holds
            two_who_change_at_once_notice_each_other
            counts_of_usage_add_up_and_the_newest_last_time_stays
            usage_is_read_page_by_page_of_one_client_or_of_all
            totals_of_usage_are_the_sums_over_all_clients
            old_usage_is_forgotten_and_no_other
            lists_of_clients_show_what_is_asked_for
            a_survey_tells_what_is_worth_a_look
            a_role_and_an_api_are_changed_only_as_they_were_seen
            the_audit_log_answers_questions_in_either_order
            a_created_user_is_found_by_id_and_by_name
            a_user_s_name_is_taken_once
            no_id_is_a_client_s_and_a_user_s
            a_new_name_poses_as_nobody_and_an_old_one_works
            users_are_listed_page_by_page
            what_a_user_loses_kills_and_what_they_gain_does_not
            lost_roles_and_permissions_reach_users
            who_had_what_is_deleted_is_in_the_audit_log
            changes_of_users_are_in_the_audit_log
            a_hash_is_made_anew_only_of_the_same_password
            a_session_says_who_it_is_and_what_they_may
            a_session_ends_by_itself
            a_user_ends_sessions_of_their_own
            who_is_disabled_or_has_another_password_is_out
            signing_in_and_out_is_in_the_audit_log_and_does_not_fill_it
            a_user_has_a_hundred_sessions_at_most
            a_passkey_is_found_by_what_browsers_call_it
            a_passkey_is_known_once_and_a_user_has_twenty_at_most
            a_passkey_opens_a_session_and_an_answer_counts_once
            who_is_disabled_or_was_changed_enters_by_no_passkey
            a_removed_passkey_is_gone_and_both_are_in_the_audit_log
        }
    };
    ($make:expr; $($clause:ident)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $clause() {
            let (storage, _keep) = $make.await;
            $crate::contract::$clause(std::sync::Arc::new(storage)).await;
        })+
    };
}

fn hasher() -> SecretHasher {
    SecretKey::from_bytes([5; 32]).secret_hasher()
}

fn admin() -> Admin {
    Admin::program("contract")
}

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a well-formed name")
}

fn permission(text: &str, api: &str) -> PermissionEntry {
    PermissionEntry { name: name(text), api: api.to_owned(), description: format!("may {text}") }
}

async fn create(registry: &Arc<dyn Registry>, new: NewClient) -> Created {
    Registrar::new(Arc::clone(registry))
        .create_client(&admin(), new, &hasher())
        .await
        .expect("a client is created")
}

/// Permissions `a.read`, `a.write` in `default`, `b.read` in `b`; role `reader` of `a.read b.read`.
async fn furnish(registry: &Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(registry));
    let b = Api {
        name: "b".to_owned(),
        audience: Some("https://b.example".to_owned()),
        ..Api::default_api()
    };
    registrar.create_api(&admin(), &b).await.expect("an API is created");
    for (text, api) in [("a.read", "default"), ("a.write", "default"), ("b.read", "b")] {
        registrar
            .create_permission(&admin(), &permission(text, api))
            .await
            .expect("a permission is created");
    }
    let role = RoleEntry {
        name: name("reader"),
        description: "reads".to_owned(),
        permissions: vec![name("a.read"), name("b.read")],
    };
    registrar.create_role(&admin(), &role).await.expect("a role is created");
}

fn full_client() -> NewClient {
    NewClient {
        id: Some(name("legacy:1")),
        name: "Sync".to_owned(),
        description: "syncs".to_owned(),
        grants: vec![name("client_credentials"), name("authorization_code")],
        redirect_uris: vec!["https://a.example/cb".to_owned(), "https://b.example/cb".to_owned()],
        owner: Some(crate::Owner { kind: "tenant".to_owned(), id: "42".to_owned() }),
        permissions: vec![name("a.write")],
        roles: vec![name("reader")],
        default_scope: vec![name("a.read")],
        access_token_ttl: Some(name("2m")),
        signing_alg: Some(name("ES256")),
        pkce: grantd_core::Pkce::Optional,
        refresh_retry: Some(name("30s")),
        ..NewClient::default()
    }
}

/// All that was said of a client comes back, and its secret's hash.
pub async fn a_created_client_is_found_whole(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let created = create(&registry, full_client()).await;
    let (credential, secret) = created.secret.expect("a confidential client has a secret");
    let stored = registry.registration("legacy:1").await.expect("an answer").expect("a client");
    assert_eq!(stored, created.client);
    let client = registry.client("legacy:1").await.expect("an answer").expect("a client");
    assert_eq!(client.credentials.len(), 1);
    assert_eq!(client.credentials[0].id, credential);
    assert!(client.credentials[0].hash.matches(&hasher().hash(secret.reveal())));
    assert_eq!((client.generation, client.state), (1, ClientState::Active));
    assert_eq!(client.access_token_ttl, Some(name("2m")));
    assert_eq!(client.default_scope, Some(vec![name("a.read")]));
}

/// Not found is `None`, whatever the id looks like.
pub async fn an_unknown_client_is_nobody(registry: Arc<dyn Registry>) {
    for id in ["", "nobody", "' OR 1=1 --", "\0", "é"] {
        assert_eq!(registry.client(id).await.expect("an answer"), None);
        assert_eq!(registry.registration(id).await.expect("an answer"), None);
    }
}

/// The second client of an id is refused, and the first stays as it was.
pub async fn an_id_is_taken_once(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let first = create(&registry, full_client()).await;
    let again = Registrar::new(Arc::clone(&registry))
        .create_client(&admin(), full_client(), &hasher())
        .await;
    assert!(again.expect_err("refused").to_string().contains("`legacy:1` exists already"));
    assert_eq!(registry.registration("legacy:1").await.expect("an answer"), Some(first.client));
}

/// A refused change leaves nothing behind.
pub async fn unknown_permissions_and_roles_are_named_and_nothing_is_half_there(
    registry: Arc<dyn Registry>,
) {
    furnish(&registry).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    let nope = |new: &mut NewClient| new.permissions.push(name("nope"));
    let no_role = |new: &mut NewClient| new.roles.push(name("nobody"));
    for (spoil, command) in [
        (&nope as &dyn Fn(&mut NewClient), "grantd permission create nope"),
        (&no_role, "grantd role create nobody"),
    ] {
        let mut new = full_client();
        spoil(&mut new);
        let error = registrar.create_client(&admin(), new, &hasher()).await.expect_err("refused");
        assert!(error.to_string().contains(command), "{error}");
        assert_eq!(registry.registration("legacy:1").await.expect("an answer"), None);
    }
    let role = RoleEntry {
        name: name("odd"),
        description: String::new(),
        permissions: vec![name("nope")],
    };
    assert!(registrar.create_role(&admin(), &role).await.is_err());
    assert!(
        !registry
            .roles()
            .await
            .expect("an answer")
            .iter()
            .any(|known| known.name.as_str() == "odd")
    );
}

/// `default` comes first, even when empty; others only with a permission.
pub async fn effective_permissions_are_direct_ones_and_those_of_roles_api_by_api(
    registry: Arc<dyn Registry>,
) {
    furnish(&registry).await;
    create(&registry, full_client()).await;
    let client = registry.client("legacy:1").await.expect("an answer").expect("a client");
    let apis: Vec<_> = client
        .apis
        .iter()
        .map(|known| (known.api.name.as_str(), known.permissions.clone()))
        .collect();
    let expected: [(&str, Vec<Permission>); 2] =
        [("default", vec![name("a.read"), name("a.write")]), ("b", vec![name("b.read")])];
    assert_eq!(apis, expected);
    assert_eq!(client.apis[1].api.audience.as_deref(), Some("https://b.example"));
    assert_eq!(*client.roles, [name::<RoleName>("reader")]);
    let bare =
        create(&registry, NewClient { name: "Bare".to_owned(), ..NewClient::default() }).await;
    let bare =
        registry.client(bare.client.id.as_str()).await.expect("an answer").expect("a client");
    assert_eq!(bare.apis.len(), 1);
    assert!(bare.apis[0].permissions.is_empty());
}

/// Pages join without gap or repetition.
pub async fn clients_are_listed_page_by_page_without_deleted_ones(registry: Arc<dyn Registry>) {
    for at in 0..7 {
        let id: ClientId = name(&format!("client-{at}"));
        create(
            &registry,
            NewClient { id: Some(id), name: format!("Client {at}"), ..NewClient::default() },
        )
        .await;
    }
    let registrar = Registrar::new(Arc::clone(&registry));
    registrar.set_client_state(&admin(), "client-3", ClientState::Deleted).await.expect("deleted");
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = registry
            .registrations(&ClientFilter::default(), after.as_ref(), 2)
            .await
            .expect("a page");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        seen.extend(page.into_iter().map(|client| client.id.to_string()));
    }
    assert_eq!(seen, ["client-0", "client-1", "client-2", "client-4", "client-5", "client-6"]);
}

/// Revoked, deleted, restored: each time the tokens so far are void, and only where it is a change.
pub async fn a_change_of_state_raises_the_generation(registry: Arc<dyn Registry>) {
    let created =
        create(&registry, NewClient { name: "A".to_owned(), ..NewClient::default() }).await;
    let id = created.client.id.as_str();
    let registrar = Registrar::new(Arc::clone(&registry));
    for (state, generation) in [
        (ClientState::Revoked, 2),
        (ClientState::Revoked, 2),
        (ClientState::Deleted, 3),
        (ClientState::Active, 4),
        (ClientState::Active, 4),
    ] {
        registrar.set_client_state(&admin(), id, state).await.expect("changed");
        let client =
            registry.client(id).await.expect("an answer").expect("a client, in whatever state");
        assert_eq!((client.state, client.generation), (state, generation));
    }
    assert!(registrar.set_client_state(&admin(), "nobody", ClientState::Revoked).await.is_err());
}

/// Permissions, roles, APIs and audiences have one owner each.
pub async fn names_are_unique(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    assert!(registrar.create_permission(&admin(), &permission("a.read", "b")).await.is_err());
    let homeless = registrar
        .create_permission(&admin(), &permission("c.read", "c"))
        .await
        .expect_err("refused");
    assert!(homeless.to_string().contains("grantd api create c"));
    let role = RoleEntry { name: name("reader"), description: String::new(), permissions: vec![] };
    assert!(registrar.create_role(&admin(), &role).await.is_err());
    let twin = Api {
        name: "c".to_owned(),
        audience: Some("https://b.example".to_owned()),
        ..Api::default_api()
    };
    assert!(registrar.create_api(&admin(), &twin).await.is_err());
    assert_eq!(registry.permissions().await.expect("an answer").len(), 3);
    assert_eq!(registry.apis().await.expect("an answer").len(), 2);
}

/// A cache that compares revisions misses nothing.
pub async fn every_change_moves_the_revision(registry: Arc<dyn Registry>) {
    let mut last = registry.revision().await.expect("a revision");
    let registrar = Registrar::new(Arc::clone(&registry));
    let mut moved = async |what: &str| {
        let now = registry.revision().await.expect("a revision");
        assert_ne!(now, last, "{what}");
        last = now;
    };
    registrar.create_permission(&admin(), &permission("a.read", "default")).await.expect("created");
    moved("a permission").await;
    let created =
        create(&registry, NewClient { name: "A".to_owned(), ..NewClient::default() }).await;
    moved("a client").await;
    registrar
        .set_client_state(&admin(), created.client.id.as_str(), ClientState::Revoked)
        .await
        .expect("changed");
    moved("a state").await;
}

/// Writers beside each other neither lose nor mix changes; one that fails undoes only its own.
pub async fn parallel_changes_all_happen(registry: Arc<dyn Registry>) {
    let tasks: Vec<_> = (0..40)
        .map(|at| {
            let registry = Arc::clone(&registry);
            tokio::spawn(async move {
                let entry = permission(&format!("p{}", at / 2), "default");
                let stamp = Stamp::of(&admin(), grantd_core::Timestamp::from_seconds(at));
                registry.create_permission(&entry, &stamp).await
            })
        })
        .collect();
    let mut refused = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(()) => {}
            Err(RegistryError::Conflict(Conflict::PermissionExists(_))) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refused, 20);
    assert_eq!(registry.permissions().await.expect("an answer").len(), 20);
}
