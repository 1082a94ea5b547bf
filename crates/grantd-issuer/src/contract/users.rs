//! The part of the storage contract on users.

use std::sync::Arc;

use grantd_core::{Permission, RoleName, UserId};
use serde_json::{Value, json};

use super::{admin, create, furnish, hasher, name};
use crate::{
    CommandError, Conflict, NewClient, NewUser, PasswordHash, Registrar, Registry, RegistryError,
    RoleEntry, Stamp, User, UserFilter, UserState, audit::AuditQuery, user_change::UserEdit,
};

/// A hash that nothing matches, told from others by its salt's first letter.
pub(super) fn hash(letter: char) -> PasswordHash {
    name(&format!("$argon2id$v=19$m=64,t=1,p=1${letter}AAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAA"))
}

pub(super) fn new_user(user: &str) -> NewUser {
    NewUser {
        name: name(user),
        password: Some(hash('A')),
        permissions: Vec::new(),
        roles: Vec::new(),
    }
}

pub(super) async fn create_user(registry: &Arc<dyn Registry>, new: NewUser) -> User {
    Registrar::new(Arc::clone(registry))
        .create_user(&admin(), new)
        .await
        .expect("a user is created")
}

/// The user's generation, and what the change log says of them: generation and whether it kills.
async fn told(registry: &Arc<dyn Registry>, id: UserId) -> (u64, Option<u64>, bool) {
    let user = registry.user(id).await.expect("an answer").expect("a user");
    let entries = registry.changes(0, 1000).await.expect("changes").unwrap_or_default();
    let own = entries.into_iter().filter(|entry| entry.id == id.to_string());
    let own: Vec<_> = own.collect();
    assert_eq!(own.len(), 1, "one entry for each kind and id");
    assert_eq!(own[0].kind, "user");
    (user.generation, own[0].generation, own[0].until.is_some())
}

/// All that was said comes back by id and by name in whatever case, and the hash only to who signs in.
pub async fn a_created_user_is_found_by_id_and_by_name(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let new = NewUser {
        permissions: vec![name("b.read"), name("a.read")],
        roles: vec![name("reader")],
        ..new_user("Ada Lovelace")
    };
    let user = create_user(&registry, new).await;
    assert_eq!(user.permissions, [name::<Permission>("a.read"), name("b.read")]);
    assert_eq!((user.generation, user.version, user.state), (1, 1, UserState::Active));
    assert_eq!(registry.user(user.id).await.expect("an answer").as_ref(), Some(&user));
    let named = registry.user_named(&name("ada LOVELACE")).await.expect("an answer");
    let named = named.expect("a user");
    assert_eq!((named.user, named.password), (user.clone(), Some(hash('A'))));
    let registrar = Registrar::new(Arc::clone(&registry));
    for who in [user.id.to_string(), "ADA lovelace".to_owned()] {
        assert_eq!(registrar.user(&who).await.expect("found"), user);
    }
    assert!(registry.user_named(&name("ada")).await.expect("an answer").is_none());
    let unknown = registrar.user("nobody").await.expect_err("nobody");
    assert!(matches!(unknown, CommandError::UserUnknown(_)), "{unknown}");
    assert_eq!(told(&registry, user.id).await, (1, None, false));
}

/// Whatever the case, at creation and at a change; nothing is half there.
pub async fn a_user_s_name_is_taken_once(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let ada = create_user(&registry, new_user("Ada")).await;
    let emile = create_user(&registry, new_user("Émile")).await;
    for taken in ["ada", "ADA", "éMILE"] {
        let refused = registrar.create_user(&admin(), new_user(taken)).await;
        let refused = refused.expect_err("taken");
        assert!(matches!(refused, CommandError::Conflict(Conflict::UserExists(_))), "{refused}");
    }
    let rename = |to: &str| UserEdit { name: Some(name(to)), ..UserEdit::default() };
    let refused = registrar.edit_user(&admin(), emile.id, rename("aDA"), None).await;
    assert!(matches!(refused, Err(CommandError::Conflict(Conflict::UserExists(_)))));
    let own = registrar.edit_user(&admin(), ada.id, rename("ADA"), Some(1)).await.expect("renamed");
    assert_eq!((own.name.as_str(), own.generation), ("ADA", 1));
    let unknown = NewUser { permissions: vec![name("nothing")], ..new_user("Bob") };
    let refused = registrar.create_user(&admin(), unknown).await.expect_err("unknown");
    assert!(refused.to_string().contains("grantd permission create nothing"));
    let unknown = NewUser { roles: vec![name("nothing")], ..new_user("Bob") };
    assert!(registrar.create_user(&admin(), unknown).await.is_err());
    assert!(registry.user_named(&name("Bob")).await.expect("an answer").is_none());
}

/// However it is written: what a token says as `sub` is a client or a user, never either.
pub async fn no_id_is_a_client_s_and_a_user_s(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let user = create_user(&registry, new_user("Ada")).await;
    let id = user.id.to_string();
    for written in [id.clone(), id.to_uppercase(), id.replace('-', "")] {
        let new = NewClient { id: Some(name(&written)), ..named_client() };
        let refused = registrar.create_client(&admin(), new, &hasher()).await.expect_err("taken");
        let taken = CommandError::Conflict(Conflict::ClientIdIsUsers(name(&written)));
        assert_eq!(refused.to_string(), taken.to_string());
    }
    let client = create(&registry, named_client()).await.client;
    let id = client.id.as_str().parse().expect("a UUID");
    let record = new_user("Bob").into_record(id, client.created_at);
    let stamp = Stamp::of(&admin(), client.created_at);
    let refused = registry.create_user(&record, &stamp).await;
    assert!(
        matches!(refused, Err(RegistryError::Conflict(Conflict::UserIdIsClients(known))) if known == id),
        "{refused:?}"
    );
    assert!(registry.user_named(&name("Bob")).await.expect("an answer").is_none());
}

fn named_client() -> NewClient {
    NewClient { name: "A".to_owned(), ..NewClient::default() }
}

/// Without signs that are not seen or that make one's name look like another actor; who has such a
/// name from before keeps it.
pub async fn a_new_name_poses_as_nobody_and_an_old_one_works(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let ada = create_user(&registry, new_user("Ada")).await;
    for bad in ["cli:root", "ro\u{202e}ot", "a\u{200b}da", "\u{feff}ada"] {
        let refused = registrar.create_user(&admin(), new_user(bad)).await.expect_err("refused");
        assert!(matches!(refused, CommandError::UserName(_)), "{refused}");
        let edit = UserEdit { name: Some(name(bad)), ..UserEdit::default() };
        let refused = registrar.edit_user(&admin(), ada.id, edit, None).await;
        assert!(matches!(refused, Err(CommandError::UserName(_))), "{refused:?}");
    }
    let at = ada.created_at;
    let old = new_user("cli:root").into_record(UserId::mint(at, [7; 10]), at);
    registry.create_user(&old, &Stamp::of(&admin(), at)).await.expect("as it was once");
    assert_eq!(registrar.user("cli:root").await.expect("found"), old.user);
    let edit = UserEdit { name: Some(name("Root")), ..UserEdit::default() };
    registrar.edit_user(&admin(), old.user.id, edit, None).await.expect("renamed");
}

/// In the order of their ids, by state and text.
pub async fn users_are_listed_page_by_page(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    for user in ["Ada 100%", "Bob", "ada_2", "Carol"] {
        create_user(&registry, new_user(user)).await;
    }
    let bob = registrar.user("bob").await.expect("found");
    registrar.set_user_state(&admin(), bob.id, UserState::Disabled).await.expect("disabled");
    let names = async |filter: UserFilter, limit: u32| {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = registry.users(&filter, after, limit).await.expect("a page");
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            seen.extend(page.into_iter().map(|user| (user.id, user.name.to_string())));
        }
        assert!(seen.is_sorted());
        let mut names: Vec<_> = seen.into_iter().map(|(_, name)| name).collect();
        names.sort();
        names
    };
    let all = UserFilter::default();
    assert_eq!(names(all.clone(), 3).await, ["Ada 100%", "Bob", "Carol", "ada_2"]);
    let with = |text: &str| UserFilter { search: Some(text.to_owned()), ..UserFilter::default() };
    assert_eq!(names(with("ADA"), 1).await, ["Ada 100%", "ada_2"]);
    assert_eq!(names(with("_"), 10).await, ["ada_2"]);
    assert_eq!(names(with("%"), 10).await, ["Ada 100%"]);
    assert_eq!(names(UserFilter { state: Some(UserState::Disabled), ..all }, 10).await, ["Bob"]);
}

/// A permission or role that is taken raises the generation; one that is given, a name or a password
/// does not.
pub async fn what_a_user_loses_kills_and_what_they_gain_does_not(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    let user = create_user(&registry, new_user("Ada")).await;
    let edit = async |edit: UserEdit| {
        let edited = registrar.edit_user(&admin(), user.id, edit, None).await.expect("edited");
        assert_eq!(registry.user(user.id).await.expect("an answer"), Some(edited.clone()));
        edited.generation
    };
    let none = UserEdit::default();
    let read = || vec![name("a.read")];
    assert_eq!(edit(UserEdit { add_permissions: read(), ..none.clone() }).await, 1);
    assert_eq!(edit(UserEdit { add_roles: vec![name("reader")], ..none.clone() }).await, 1);
    assert_eq!(edit(UserEdit { name: Some(name("Eve")), ..none.clone() }).await, 1);
    assert_eq!(
        edit(UserEdit { remove_permissions: read(), ..none.clone() }).await,
        1,
        "the role has it still"
    );
    assert_eq!(edit(UserEdit { remove_roles: vec![name("reader")], ..none }).await, 2);
    assert_eq!(told(&registry, user.id).await, (2, Some(2), true));
    let changed = registrar.set_password(&admin(), user.id, hash('B')).await.expect("set");
    assert_eq!(changed.generation, 2, "tokens are not what a password opens");
    for (state, generation) in [
        (UserState::Disabled, 3),
        (UserState::Disabled, 3),
        (UserState::Active, 4),
        (UserState::Active, 4),
    ] {
        let user = registrar.set_user_state(&admin(), user.id, state).await.expect("changed");
        assert_eq!((user.state, user.generation), (state, generation));
    }
    assert_eq!(told(&registry, user.id).await, (4, Some(4), true));
}

/// What a role or the server loses is gone from users too, with their tokens, and from nobody else.
pub async fn lost_roles_and_permissions_reach_users(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    let by_role =
        create_user(&registry, NewUser { roles: vec![name("reader")], ..new_user("Ada") });
    let by_role = by_role.await.id;
    let direct =
        create_user(&registry, NewUser { permissions: vec![name("a.read")], ..new_user("Bob") });
    let direct = direct.await.id;
    let other = create_user(&registry, new_user("Carol")).await.id;
    let reader: RoleName = name("reader");
    let narrower = RoleEntry {
        name: reader.clone(),
        description: String::new(),
        permissions: vec![name("a.read")],
    };
    registrar.change_role(&admin(), &reader, None, Some(&narrower)).await.expect("narrowed");
    assert_eq!(told(&registry, by_role).await, (2, Some(2), true));
    assert_eq!(told(&registry, direct).await, (1, None, false));
    registrar.delete_permission(&admin(), &name("a.read")).await.expect("deleted");
    assert_eq!(told(&registry, by_role).await, (3, Some(3), true));
    assert_eq!(told(&registry, direct).await, (2, Some(2), true));
    let user = registry.user(direct).await.expect("an answer").expect("a user");
    assert!(user.permissions.is_empty() && user.version == 2);
    registrar.change_role(&admin(), &reader, None, None).await.expect("deleted");
    let user = registry.user(by_role).await.expect("an answer").expect("a user");
    assert!(user.roles.is_empty() && user.generation == 4);
    assert_eq!(told(&registry, other).await, (1, None, false), "nobody else is touched");
}

/// The first hundred of each kind, in the order of their ids, and how many there were.
pub async fn who_had_what_is_deleted_is_in_the_audit_log(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    let user = create_user(
        &registry,
        NewUser {
            permissions: vec![name("a.read")],
            roles: vec![name("reader")],
            ..new_user("Ada")
        },
    );
    let user = user.await.id;
    for number in 0..103 {
        let id = Some(name(&format!("c{number:03}")));
        let permissions = if number == 7 { vec![name("a.read")] } else { Vec::new() };
        let new = NewClient { id, permissions, roles: vec![name("reader")], ..named_client() };
        create(&registry, new).await;
    }
    registrar.delete_permission(&admin(), &name("a.read")).await.expect("deleted");
    registrar.change_role(&admin(), &name("reader"), None, None).await.expect("deleted");
    let held_by = async |action: &str| {
        let query =
            AuditQuery { action: Some(action.to_owned()), limit: 9, ..AuditQuery::default() };
        let events = registry.audit(&query).await.expect("events");
        let before = events[0].before.as_deref().expect("what it was");
        serde_json::from_str::<Value>(before).expect("JSON")["held_by"].clone()
    };
    let expected = json!({
        "clients": { "count": 1, "first": ["c007"] },
        "users": { "count": 1, "first": [user.to_string()] },
        "roles": { "count": 1, "first": ["reader"] },
    });
    assert_eq!(held_by("permission.delete").await, expected);
    let first: Vec<_> = (0..100).map(|number| format!("c{number:03}")).collect();
    let expected = json!({
        "clients": { "count": 103, "first": first },
        "users": { "count": 1, "first": [user.to_string()] },
    });
    assert_eq!(held_by("role.delete").await, expected);
    registrar.verify_audit().await.expect("the chain holds");
}

/// Who, what, before and after; no hash among it, and a lost race leaves no trace.
pub async fn changes_of_users_are_in_the_audit_log(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let user = create_user(&registry, new_user("Ada")).await;
    registrar.set_password(&admin(), user.id, hash('B')).await.expect("set");
    let late = registrar.edit_user(&admin(), user.id, UserEdit::default(), Some(1)).await;
    assert!(matches!(late, Err(CommandError::Conflict(Conflict::UserDiffers(_)))), "{late:?}");
    registrar.set_user_state(&admin(), user.id, UserState::Disabled).await.expect("disabled");
    registrar.set_user_state(&admin(), user.id, UserState::Active).await.expect("enabled");
    registrar.edit_user(&admin(), user.id, UserEdit::default(), Some(4)).await.expect("edited");
    let events = registry.audit(&AuditQuery { limit: 100, ..AuditQuery::default() }).await;
    let events = events.expect("events");
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    let expected = ["user.create", "user.password", "user.disable", "user.enable", "user.update"];
    assert_eq!(actions, expected);
    assert_eq!(events[0].object, format!("user:{}", user.id));
    assert!(events[0].before.is_none() && events[1].before.is_some());
    let disabled = events[2].after.as_deref().expect("what it became");
    assert!(disabled.contains(r#""state":"disabled""#), "{disabled}");
    assert!(!events.iter().any(|event| format!("{event:?}").contains("argon2")));
    registrar.verify_audit().await.expect("the chain holds");
}

/// Only in the place of the hash that it was made of, and without a trace.
pub async fn a_hash_is_made_anew_only_of_the_same_password(registry: Arc<dyn Registry>) {
    let user = create_user(&registry, new_user("Ada")).await;
    registry.rehash(user.id, &hash('Z'), &hash('C')).await.expect("done");
    let kept =
        async || registry.user_named(&name("Ada")).await.expect("an answer").expect("a user");
    assert_eq!(kept().await.password, Some(hash('A')), "the password was changed meanwhile");
    registry.rehash(user.id, &hash('A'), &hash('C')).await.expect("done");
    assert_eq!((kept().await.password, kept().await.user), (Some(hash('C')), user));
}
