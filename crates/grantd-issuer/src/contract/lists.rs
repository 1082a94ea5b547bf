//! The contract of lists: what is asked for is shown, and nothing else.

use std::sync::Arc;

use grantd_core::{Api, ClientState};

use super::{admin, create, furnish, name};
use crate::{
    ClientFilter, Conflict, NewClient, Owner, Registrar, Registry, RegistryError, RoleEntry, Stamp,
    audit::{AuditQuery, Order},
};

/// By owner, state and text; a text is a text, whatever LIKE would make of it.
pub async fn lists_of_clients_show_what_is_asked_for(registry: Arc<dyn Registry>) {
    let owned = [
        ("a", "Billing 100%", Some(("tenant", "42"))),
        ("b", "billing_job", Some(("tenant", "7"))),
        ("c", "Reports", Some(("team", "42"))),
        ("d", "Nobody's", None),
    ];
    for (id, name_of, owner) in owned {
        let owner = owner.map(|(kind, id)| Owner { kind: kind.to_owned(), id: id.to_owned() });
        let new = NewClient {
            id: Some(name(id)),
            name: name_of.to_owned(),
            owner,
            ..NewClient::default()
        };
        create(&registry, new).await;
    }
    let registrar = Registrar::new(Arc::clone(&registry));
    registrar.set_client_state(&admin(), "c", ClientState::Deleted).await.expect("deleted");
    let all = ClientFilter::default();
    let of = |kind: &str, id: Option<&str>| ClientFilter {
        owner_kind: Some(kind.to_owned()),
        owner_id: id.map(str::to_owned),
        ..ClientFilter::default()
    };
    let with =
        |text: &str| ClientFilter { search: Some(text.to_owned()), ..ClientFilter::default() };
    let in_state = |state| ClientFilter { state: Some(state), ..ClientFilter::default() };
    for (filter, expected) in [
        (all, "abd"),
        (of("tenant", None), "ab"),
        (of("tenant", Some("42")), "a"),
        (of("team", Some("42")), ""),
        (ClientFilter { state: Some(ClientState::Deleted), ..of("team", Some("42")) }, "c"),
        (ClientFilter { search: Some("JOB".to_owned()), ..of("tenant", None) }, "b"),
        (with("BILLING"), "ab"),
        (with("0%"), "a"),
        (with("%"), "a"),
        (with("_"), "b"),
        (with("g_j"), "b"),
        (with("\\"), ""),
        (with("d"), "d"),
        (in_state(ClientState::Deleted), "c"),
        (in_state(ClientState::Active), "abd"),
        (in_state(ClientState::Revoked), ""),
    ] {
        let found = registry.registrations(&filter, None, 10).await.expect("a page");
        let ids: String = found.iter().map(|client| client.id.as_str()).collect();
        assert_eq!(ids, expected, "{filter:?}");
    }
    a_search_goes_on_behind_an_id(&registry).await;
}

/// Found by its name and by its id, a client is there once; pages go on behind an id.
async fn a_search_goes_on_behind_an_id(registry: &Arc<dyn Registry>) {
    for (text, after, limit, expected) in [
        ("b", None, 10, "abd"),
        ("b", None, 1, "a"),
        ("b", Some("a"), 10, "bd"),
        ("b", Some("b"), 10, "d"),
        ("d", Some("c"), 1, "d"),
    ] {
        let after = after.map(name);
        let search = ClientFilter { search: Some(text.to_owned()), ..ClientFilter::default() };
        let found = registry.registrations(&search, after.as_ref(), limit).await.expect("a page");
        let ids: String = found.iter().map(|client| client.id.as_str()).collect();
        assert_eq!(ids, expected, "{text} behind {after:?}");
    }
}

/// By object, actor and action, from either end, page by page.
pub async fn the_audit_log_answers_questions_in_either_order(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let seqs = async |query: AuditQuery| {
        let events = registry.audit(&query).await.expect("events");
        events.into_iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    let all = AuditQuery { limit: 3, ..AuditQuery::default() };
    assert_eq!(seqs(all.clone()).await, [1, 2, 3]);
    assert_eq!(seqs(AuditQuery { after: Some(3), ..all.clone() }).await, [4, 5]);
    let back = AuditQuery { order: Order::NewestFirst, ..all.clone() };
    assert_eq!(seqs(back.clone()).await, [5, 4, 3]);
    assert_eq!(seqs(AuditQuery { after: Some(3), ..back.clone() }).await, [2, 1]);
    let of = |object: &str| AuditQuery { object: Some(object.to_owned()), ..all.clone() };
    assert_eq!(seqs(of("permission:a.write")).await, [3]);
    let backwards = AuditQuery { order: Order::NewestFirst, ..of("permission:a.write") };
    assert_eq!(seqs(backwards).await, [3]);
    assert!(seqs(of("permission:a")).await.is_empty());
    let did = |action: &str| AuditQuery { action: Some(action.to_owned()), ..all.clone() };
    assert_eq!(seqs(did("role.create")).await, [5]);
    assert_eq!(seqs(did("permission.create")).await, [2, 3, 4]);
    let backwards = AuditQuery { order: Order::NewestFirst, ..did("permission.create") };
    assert_eq!(seqs(backwards.clone()).await, [4, 3, 2]);
    assert_eq!(seqs(AuditQuery { after: Some(3), ..backwards.clone() }).await, [2]);
    let ours = Some("grantd:contract".to_owned());
    for (query, expected) in [
        (AuditQuery { actor: ours.clone(), ..backwards.clone() }, &[4, 3, 2][..]),
        (AuditQuery { actor: ours.clone(), ..did("role.create") }, &[5]),
        (AuditQuery { actor: Some("cli:root".to_owned()), ..backwards }, &[]),
        (AuditQuery { actor: ours.clone(), ..of("permission:a.read") }, &[2]),
        (AuditQuery { object: Some("permission:a.read".to_owned()), ..did("role.create") }, &[]),
        (AuditQuery { actor: ours, after: Some(4), ..all.clone() }, &[5]),
    ] {
        assert_eq!(seqs(query.clone()).await, expected, "{query:?}");
    }
    assert!(
        seqs(AuditQuery { actor: Some("cli:root".to_owned()), ..all.clone() }).await.is_empty()
    );
    assert_eq!(
        seqs(AuditQuery { actor: Some("grantd:contract".to_owned()), ..back }).await,
        [5, 4, 3]
    );
}

/// What was decided on an older role or API is refused.
pub async fn a_role_and_an_api_are_changed_only_as_they_were_seen(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let stamp = Stamp::of(&admin(), grantd_core::Timestamp::from_seconds(1));
    let role = registry.roles().await.expect("roles").remove(0);
    let narrower = RoleEntry { permissions: Vec::new(), ..role.clone() };
    let change = async |expected: &RoleEntry, to: Option<&RoleEntry>| {
        registry.change_role(&role.name, Some(expected), to, &stamp).await
    };
    change(&role, Some(&narrower)).await.expect("changed");
    for to in [Some(&role), None] {
        let late = change(&role, to).await;
        assert!(matches!(late, Err(RegistryError::Conflict(Conflict::RoleDiffers(_)))), "{late:?}");
    }
    change(&narrower, None).await.expect("removed");
    let read = registry.permissions().await.expect("permissions").remove(0);
    let describe =
        async |text: &str| registry.change_permission(Some(&read), &read.name, text, &stamp).await;
    describe("anew").await.expect("changed");
    let late = describe("again").await;
    assert!(
        matches!(late, Err(RegistryError::Conflict(Conflict::PermissionDiffers(_)))),
        "{late:?}"
    );
    let api = registry.apis().await.expect("APIs").remove(0);
    let slower = Api { access_token_ttl: Some(name("2h")), ..api.clone() };
    registry.change_api(Some(&api), &slower, &stamp).await.expect("changed");
    let late = registry.change_api(Some(&api), &api, &stamp).await;
    assert!(matches!(late, Err(RegistryError::Conflict(Conflict::ApiDiffers(_)))), "{late:?}");
}
