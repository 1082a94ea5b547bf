//! The part of the storage contract on what happens to a client after its creation.

use std::sync::Arc;

use grantd_core::{ClientState, Permission, RoleName};

use super::{admin, create, full_client, furnish, hasher, name};
use crate::{
    CommandError, Conflict, LastUse, NewClient, Registrar, Registry, RoleEntry, Rotation, Setting,
    audit::AuditQuery,
    client_change::{ClientEdit, Finish},
};

/// The generation and the entries of the change log for a client, newest last.
async fn killed(registry: &Arc<dyn Registry>, id: &str) -> (u64, Vec<(String, Option<u64>, bool)>) {
    let client = registry.client(id).await.expect("an answer").expect("a client");
    let entries = registry.changes(0, 1000).await.expect("changes").unwrap_or_default();
    let of_client =
        entries.into_iter().filter(|entry| entry.id == id || entry.kind == "credential");
    let told = of_client.map(|entry| (entry.kind, entry.generation, entry.until.is_some()));
    (client.generation, told.collect())
}

/// Both work during the overlap; the old one's end is written, and finishing kills its tokens only.
pub async fn a_rotated_secret_works_beside_the_old_one_until_the_overlap_ends(
    registry: Arc<dyn Registry>,
) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let first = create(&registry, NewClient { name: "A".to_owned(), ..NewClient::default() }).await;
    let id = first.client.id.as_str();
    let overlap = Rotation { overlap: Some(name("1h")), version: None };
    let second = registrar.rotate(&admin(), id, overlap, &hasher()).await.expect("rotated");
    let client = registry.client(id).await.expect("an answer").expect("a client");
    let secrets = [first.secret.expect("a secret"), second.secret.expect("a secret")];
    for (credential, (id, secret)) in client.credentials.iter().zip(&secrets) {
        assert_eq!(credential.id, *id);
        assert!(credential.hash.matches(&hasher().hash(secret.reveal())));
    }
    assert!(
        client.credentials[0].expires_at.is_some() && client.credentials[1].expires_at.is_none()
    );
    assert_eq!(killed(&registry, id).await, (1, vec![("client".to_owned(), None, false)]));
    let finished =
        registrar.finish_rotation(&admin(), id, Finish::IfUnused).await.expect("finished");
    assert!(finished.credentials[0].expires_at <= Some(finished.updated_at));
    let told = vec![("client".to_owned(), None, false), ("credential".to_owned(), None, true)];
    assert_eq!(killed(&registry, id).await, (1, told), "the client's other tokens live on");
    let third =
        registrar.rotate(&admin(), id, Rotation::default(), &hasher()).await.expect("rotated");
    let live = |at: usize| third.client.credentials[at].expires_at.is_none();
    assert!(!live(1) && live(2), "without an overlap the old one is dead at once");
}

/// The second of two rotations that were decided on the same state is refused and makes no secret.
pub async fn a_rotation_is_made_once_of_what_was_seen(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let first = create(&registry, NewClient { name: "A".to_owned(), ..NewClient::default() }).await;
    let id = first.client.id.as_str();
    let seen = Rotation { overlap: Some(name("1h")), version: Some(first.client.version) };
    let rotated = registrar.rotate(&admin(), id, seen, &hasher()).await.expect("rotated");
    assert_eq!(rotated.client.credentials.len(), 2);
    let again = registrar.rotate(&admin(), id, seen, &hasher()).await;
    assert!(matches!(again, Err(CommandError::Conflict(Conflict::VersionDiffers(_)))), "{again:?}");
    let client = registry.registration(id).await.expect("an answer").expect("a client");
    assert_eq!(client, rotated.client);
}

/// Refuses and says by whom; `--force` overrides.
pub async fn a_secret_still_in_use_stops_the_finish_of_a_rotation(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let first = create(&registry, NewClient { name: "A".to_owned(), ..NewClient::default() }).await;
    let id = first.client.id.as_str();
    let old = first.secret.expect("a secret").0;
    let overlap = Rotation { overlap: Some(name("1h")), version: None };
    let rotated = registrar.rotate(&admin(), id, overlap, &hasher()).await.expect("rotated");
    let at = rotated.client.updated_at.after(name("5s"));
    let last = LastUse { at, address: "192.0.2.7".to_owned() };
    let older = LastUse { at: rotated.client.created_at, address: "192.0.2.1".to_owned() };
    registry.record_use(&[(old, last.clone()), (old, older)]).await.expect("recorded");
    let known = registry.registration(id).await.expect("an answer").expect("a client");
    assert_eq!(known.credentials[0].last_used, Some(last));
    let refused =
        registrar.finish_rotation(&admin(), id, Finish::IfUnused).await.expect_err("refused");
    assert!(refused.to_string().contains("192.0.2.7"), "{refused}");
    registrar.finish_rotation(&admin(), id, Finish::Anyway).await.expect("finished");
}

/// What stays is the newest that works: where the newest of all was revoked, the one before it.
pub async fn the_end_of_a_rotation_leaves_a_secret_that_works(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let first = create(&registry, NewClient { name: "A".to_owned(), ..NewClient::default() }).await;
    let id = first.client.id.as_str();
    let overlap = Rotation { overlap: Some(name("1h")), version: None };
    let mut made = Vec::new();
    for _ in 0..2 {
        let rotated = registrar.rotate(&admin(), id, overlap, &hasher()).await.expect("rotated");
        made.push(rotated.secret.expect("a secret").0);
    }
    registrar.revoke_secret(&admin(), id, made[1]).await.expect("revoked");
    let finished = registrar.finish_rotation(&admin(), id, Finish::IfUnused).await;
    let finished = finished.expect("finished");
    let now = finished.updated_at;
    let live = finished.credentials.iter().filter(|known| known.is_live(now));
    assert_eq!(live.map(|known| known.id).collect::<Vec<_>>(), [made[0]]);
}

/// A permission, role or grant that is taken raises the generation; one that is given does not.
pub async fn narrowing_kills_and_widening_does_not(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    create(&registry, full_client()).await;
    let edit = async |edit: ClientEdit| {
        registrar.edit_client(&admin(), "legacy:1", edit, None).await.expect("edited").generation
    };
    let none = ClientEdit::default();
    assert_eq!(edit(ClientEdit { name: Some("New".to_owned()), ..none.clone() }).await, 1);
    assert_eq!(edit(ClientEdit { add_permissions: vec![name("b.read")], ..none.clone() }).await, 1);
    assert_eq!(
        edit(ClientEdit { remove_permissions: vec![name("b.read")], ..none.clone() }).await,
        1,
        "the role has it still"
    );
    assert_eq!(
        edit(ClientEdit { remove_permissions: vec![name("a.write")], ..none.clone() }).await,
        2
    );
    assert_eq!(
        edit(ClientEdit {
            remove_roles: vec![name("reader")],
            default_scope: Some(vec![]),
            ..none.clone()
        })
        .await,
        3
    );
    let only_code = [name("authorization_code")].into_iter().collect();
    assert_eq!(edit(ClientEdit { grants: Some(only_code), ..none.clone() }).await, 4);
    let unknown = ClientEdit { add_roles: vec![name("nobody")], ..none };
    let refused =
        registrar.edit_client(&admin(), "legacy:1", unknown, None).await.expect_err("refused");
    assert!(refused.to_string().contains("grantd role create nobody"));
    assert_eq!(
        killed(&registry, "legacy:1").await,
        (4, vec![("client".to_owned(), Some(4), true)])
    );
}

/// What a role loses dies in the tokens of all who have it; what it gains does not kill.
pub async fn a_change_of_a_role_reaches_all_who_have_it(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    create(&registry, full_client()).await;
    let other =
        create(&registry, NewClient { name: "Other".to_owned(), ..NewClient::default() }).await;
    let reader: RoleName = name("reader");
    let role = |permissions: &[&str]| RoleEntry {
        name: name("reader"),
        description: String::new(),
        permissions: permissions.iter().map(|permission| name(permission)).collect(),
    };
    let wider = role(&["a.read", "a.write", "b.read"]);
    registrar.change_role(&admin(), &reader, None, Some(&wider)).await.expect("changed");
    assert_eq!(killed(&registry, "legacy:1").await.0, 1);
    registrar
        .change_role(&admin(), &reader, None, Some(&role(&["a.read"])))
        .await
        .expect("changed");
    assert_eq!(killed(&registry, "legacy:1").await.0, 2);
    registrar.change_role(&admin(), &reader, None, None).await.expect("deleted");
    let client = registry.client("legacy:1").await.expect("an answer").expect("a client");
    assert_eq!((client.generation, client.roles.len()), (3, 0));
    assert_eq!(killed(&registry, other.client.id.as_str()).await.0, 1, "nobody else is touched");
    assert!(registrar.change_role(&admin(), &reader, None, None).await.is_err());
}

/// Its name and API stay, nobody's tokens die, and the audit log says what it was.
pub async fn a_permission_is_described_anew(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    create(&registry, full_client()).await;
    let read: Permission = name("b.read");
    registrar.change_permission(&admin(), None, &read, "Read all b").await.expect("changed");
    let permissions = registry.permissions().await.expect("permissions");
    let entry = permissions.iter().find(|entry| entry.name == read).expect("it stays");
    assert_eq!((entry.api.as_str(), entry.description.as_str()), ("b", "Read all b"));
    assert_eq!(killed(&registry, "legacy:1").await.0, 1);
    let events =
        registry.audit(&AuditQuery { limit: 100, ..AuditQuery::default() }).await.expect("events");
    let last = events.last().expect("an event");
    assert_eq!(
        (last.action.as_str(), last.object.as_str()),
        ("permission.update", "permission:b.read")
    );
    assert!(last.before.as_deref().is_some_and(|text| text.contains("may b.read")));
    assert!(last.after.as_deref().is_some_and(|text| text.contains("Read all b")));
    let unknown =
        registrar.change_permission(&admin(), None, &name("c"), "c").await.expect_err("refused");
    assert!(unknown.to_string().contains("grantd permission create c"), "{unknown}");
    let two_lines = registrar.change_permission(&admin(), None, &read, "a\nb").await;
    assert!(two_lines.is_err(), "a description is one line");
}

/// What a client has of its own goes, and the rest of it stays.
pub async fn settings_of_a_client_s_own_can_be_cleared(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    let before = create(&registry, full_client()).await.client;
    let clear = ClientEdit {
        owner: Setting::Clear,
        access_token_ttl: Setting::Clear,
        signing_alg: Setting::Clear,
        format: Setting::Clear,
        default_scope: Some(Vec::new()),
        ..ClientEdit::default()
    };
    let after = registrar.edit_client(&admin(), "legacy:1", clear, None).await.expect("cleared");
    assert_eq!(registry.registration("legacy:1").await.expect("an answer"), Some(after.clone()));
    assert_eq!((&after.owner, after.access_token_ttl, after.signing_alg), (&None, None, None));
    assert_eq!((after.format, after.default_scope), (None, None));
    assert_eq!((after.name, after.permissions), (before.name, before.permissions));
    assert_eq!(after.generation, 1, "nothing was taken");
}

/// From clients, roles and default scopes.
pub async fn a_deleted_permission_is_gone_everywhere(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    create(&registry, full_client()).await;
    registrar.delete_permission(&admin(), &name("a.read")).await.expect("deleted");
    let client = registry.client("legacy:1").await.expect("an answer").expect("a client");
    assert_eq!(client.generation, 2);
    assert!(!client.apis[0].permits("a.read") && client.apis[0].permits("a.write"));
    assert_eq!(client.default_scope, Some(vec![]));
    let roles = registry.roles().await.expect("roles");
    assert_eq!(roles[0].permissions, [name::<Permission>("b.read")]);
    assert!(registrar.delete_permission(&admin(), &name("a.read")).await.is_err());
}

/// One entry, the newest, per kind and id; a later harmless change forgets no kill.
pub async fn the_change_log_keeps_the_newest_of_each_and_says_what_dies(
    registry: Arc<dyn Registry>,
) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let client =
        create(&registry, NewClient { name: "A".to_owned(), ..NewClient::default() }).await.client;
    let id = client.id.as_str();
    registry.allow_ttl(name("2d")).await.expect("allowed");
    let revoked =
        registrar.set_client_state(&admin(), id, ClientState::Revoked).await.expect("revoked");
    let rename = ClientEdit { name: Some("B".to_owned()), ..ClientEdit::default() };
    registrar.edit_client(&admin(), id, rename, None).await.expect("renamed");
    let entries = registry.changes(0, 10).await.expect("changes").unwrap_or_default();
    let [entry] = entries.as_slice() else { panic!("one entry, not {entries:?}") };
    assert_eq!((entry.seq, entry.kind.as_str(), entry.generation), (3, "client", Some(2)));
    assert_eq!(
        entry.until,
        Some(revoked.updated_at.after(name("2d"))),
        "as long as a token can live"
    );
    assert!(registry.changes(3, 10).await.expect("changes").unwrap_or_default().is_empty());
}

/// What can kill nothing any more is forgotten, and nothing sooner; numbers go on.
pub async fn ended_entries_are_forgotten_and_no_others(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let client =
        create(&registry, NewClient { name: "A".to_owned(), ..NewClient::default() }).await.client;
    let other =
        create(&registry, NewClient { name: "B".to_owned(), ..NewClient::default() }).await.client;
    let revoked =
        registrar.set_client_state(&admin(), client.id.as_str(), ClientState::Revoked).await;
    let end = revoked.expect("revoked").updated_at.after(grantd_core::Ttl::DEFAULT);
    let ids = async || {
        let entries = registry.changes(0, 10).await.expect("changes").unwrap_or_default();
        entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    let both = vec![other.id.to_string(), client.id.to_string()];
    registry
        .forget_ended(grantd_core::Timestamp::from_micros(end.micros() - 1))
        .await
        .expect("done");
    assert_eq!(ids().await, both);
    registry.forget_ended(end).await.expect("done");
    assert_eq!(ids().await, [other.id.to_string()]);
    registrar
        .set_client_state(&admin(), client.id.as_str(), ClientState::Active)
        .await
        .expect("restored");
    assert_eq!(registry.revision().await.expect("a revision"), 4);
}

/// Who, when, what, before and after; refused changes leave no trace.
pub async fn every_change_is_in_the_audit_log_and_the_chain_holds(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    let created = create(&registry, full_client()).await;
    assert!(registrar.create_client(&admin(), full_client(), &hasher()).await.is_err());
    registrar.set_client_state(&admin(), "legacy:1", ClientState::Deleted).await.expect("deleted");
    let events =
        registry.audit(&AuditQuery { limit: 100, ..AuditQuery::default() }).await.expect("events");
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    let furnished = [
        "api.create",
        "permission.create",
        "permission.create",
        "permission.create",
        "role.create",
    ];
    assert_eq!(actions, [&furnished[..], &["client.create", "client.delete"]].concat());
    let last = events.last().expect("an event");
    assert_eq!((last.actor.as_str(), last.object.as_str()), ("grantd:contract", "client:legacy:1"));
    let (before, after) = (last.before.as_deref(), last.after.as_deref());
    assert!(before.is_some_and(|text| text.contains(r#""state":"active""#)));
    assert!(after.is_some_and(|text| text.contains(r#""state":"deleted""#)));
    let secret = created.secret.expect("a secret").1;
    assert!(!events.iter().any(|event| format!("{event:?}").contains(secret.reveal())));
    let chain = registrar.verify_audit().await.expect("the chain holds");
    assert_eq!(chain.length(), 7);
}

/// A change that was decided on an older version is refused.
pub async fn two_who_change_at_once_notice_each_other(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let client =
        create(&registry, NewClient { name: "A".to_owned(), ..NewClient::default() }).await.client;
    let rename = |to: &str| ClientEdit { name: Some(to.to_owned()), ..ClientEdit::default() };
    let id = client.id.as_str();
    registrar.edit_client(&admin(), id, rename("B"), Some(client.version)).await.expect("renamed");
    let late = registrar
        .edit_client(&admin(), id, rename("C"), Some(client.version))
        .await
        .expect_err("refused");
    assert!(late.to_string().contains("was changed meanwhile"));
    assert_eq!(
        registry.registration(id).await.expect("an answer").map(|client| client.name).as_deref(),
        Some("B")
    );
}
