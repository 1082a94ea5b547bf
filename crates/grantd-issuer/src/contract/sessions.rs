//! The part of the storage contract on sessions.

use std::sync::Arc;

use grantd_core::{Permission, SecretHash, SessionId, Timestamp};

use super::{
    admin, furnish, name,
    users::{create_user, hash, new_user},
};
use crate::{
    Conflict, NewUser, Registrar, Registry, RegistryError, RoleEntry, Session, Stamp, User,
    UserState,
    accounts::Origin,
    audit::{AuditEvent, AuditQuery},
    user_change::{Ended, UserChange},
};

const HOUR: i64 = 3600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

fn proof(number: u8) -> SecretHash {
    SecretHash::from_bytes([number; 32])
}

/// Opens a session of this user with this number at this second.
async fn open(registry: &Arc<dyn Registry>, user: &User, number: u8, second: i64) -> Session {
    let from = Origin { address: "192.0.2.7".to_owned(), agent: "Browser".to_owned() };
    let id = SessionId::mint(at(second), [number; 10]);
    let session = Session::begin(id, user.id, at(second), &from);
    let opened = registry.open_session(&session, &proof(number), user.version).await;
    assert!(opened.expect("an answer"), "the user is as they were");
    session
}

async fn is_in(registry: &Arc<dyn Registry>, number: u8, second: i64) -> bool {
    registry.signed_in(&proof(number), at(second)).await.expect("an answer").is_some()
}

/// With the user and all their rights; another proof proves nothing.
pub async fn a_session_says_who_it_is_and_what_they_may(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let new = NewUser {
        permissions: vec![name("a.write")],
        roles: vec![name("reader")],
        ..new_user("Ada")
    };
    let user = create_user(&registry, new).await;
    let session = open(&registry, &user, 1, 0).await;
    let found = registry.signed_in(&proof(1), at(1)).await.expect("an answer").expect("signed in");
    assert_eq!(found.session, session);
    assert_eq!((found.user.id, found.user.version), (user.id, user.version));
    assert_eq!(found.user.last_login_at, Some(at(0)));
    let rights: Vec<_> = found.permissions.iter().map(Permission::as_str).collect();
    assert_eq!(rights, ["a.read", "a.write", "b.read"]);
    assert!(!is_in(&registry, 2, 1).await);
    let registrar = Registrar::new(Arc::clone(&registry));
    let empty =
        RoleEntry { name: name("reader"), description: String::new(), permissions: Vec::new() };
    registrar.change_role(&admin(), &name("reader"), None, Some(&empty)).await.expect("changed");
    let found = registry.signed_in(&proof(1), at(2)).await.expect("an answer").expect("signed in");
    assert!(found.can("a.write") && !found.can("a.read"), "rights are those of the moment");
}

/// Unused or too old, it is over; use makes it last, and the sweep takes only what is over.
pub async fn a_session_ends_by_itself(registry: Arc<dyn Registry>) {
    let user = create_user(&registry, new_user("Ada")).await;
    let session = open(&registry, &user, 1, 0).await;
    open(&registry, &user, 2, 60).await;
    assert!(is_in(&registry, 1, HOUR - 1).await && !is_in(&registry, 1, HOUR).await);
    registry.session_seen(session.id, at(HOUR - 1)).await.expect("noted");
    registry.session_seen(session.id, at(60)).await.expect("an older use is no news");
    assert!(is_in(&registry, 1, HOUR).await && !is_in(&registry, 2, HOUR + 60).await);
    let ids = async |second: i64| {
        let own = registry.sessions(user.id, at(second)).await.expect("sessions");
        own.into_iter().map(|session| session.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(100).await.len(), 2);
    assert_eq!(ids(100).await[0], session.id, "the last used first");
    assert_eq!(ids(HOUR + 60).await, [session.id]);
    registry.forget_sessions(at(HOUR + 60)).await.expect("swept");
    assert_eq!(ids(100).await, [session.id]);
    for hour in 2..12 {
        registry.session_seen(session.id, at(hour * HOUR - 1)).await.expect("noted");
    }
    registry.session_seen(session.id, at(12 * HOUR - 1)).await.expect("noted");
    assert!(is_in(&registry, 1, 12 * HOUR - 1).await && !is_in(&registry, 1, 12 * HOUR).await);
}

/// One of one's own, all others, and never somebody else's.
pub async fn a_user_ends_sessions_of_their_own(registry: Arc<dyn Registry>) {
    let (ada, bob) = (
        create_user(&registry, new_user("Ada")).await,
        create_user(&registry, new_user("Bob")).await,
    );
    let first = open(&registry, &ada, 1, 0).await;
    let second = open(&registry, &ada, 2, 0).await;
    open(&registry, &ada, 3, 0).await;
    let others = open(&registry, &bob, 4, 0).await;
    let stamp = Stamp { actor: format!("user:{}", ada.id), address: None, at: at(9) };
    assert!(!registry.end_session(ada.id, others.id, &stamp).await.expect("an answer"));
    assert!(registry.end_session(ada.id, first.id, &stamp).await.expect("an answer"));
    assert!(
        !registry.end_session(ada.id, first.id, &stamp).await.expect("an answer"),
        "it is over already"
    );
    assert!(!is_in(&registry, 1, 1).await);
    let others = Ended::AllBut(second.id);
    registry.end_sessions(ada.id, others, &stamp).await.expect("ended");
    registry.end_sessions(ada.id, others, &stamp).await.expect("there are none");
    assert!(is_in(&registry, 2, 1).await && !is_in(&registry, 3, 1).await);
    assert!(is_in(&registry, 4, 1).await, "another's goes on");
}

/// At once, and for good; nobody gets in by what was proved before.
pub async fn who_is_disabled_or_has_another_password_is_out(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let user = create_user(&registry, new_user("Ada")).await;
    let kept = open(&registry, &user, 1, 0).await;
    open(&registry, &user, 2, 0).await;
    let late = Session::begin(SessionId::mint(at(0), [9; 10]), user.id, at(0), &Origin::default());
    let own = |proved: char, letter: char| UserChange::Password {
        hash: hash(letter),
        keep: Some(kept.id),
        instead_of: Some(hash(proved)),
    };
    let stamp = Stamp::of(&admin(), at(0));
    let change = async |own: UserChange| registry.change_user(user.id, None, &own, &stamp).await;
    let changed = change(own('A', 'B')).await.expect("set").expect("a user");
    let stale = change(own('A', 'D')).await;
    assert!(
        matches!(stale, Err(RegistryError::Conflict(Conflict::PasswordDiffers(_)))),
        "what the old password proved sets no new one: {stale:?}"
    );
    assert!(is_in(&registry, 1, 1).await && !is_in(&registry, 2, 1).await);
    let opened = registry.open_session(&late, &proof(9), user.version).await.expect("an answer");
    assert!(!opened, "the old password proves nothing any more");
    registrar.set_user_state(&admin(), user.id, UserState::Disabled).await.expect("disabled");
    assert!(!is_in(&registry, 1, 1).await);
    let version = changed.version + 1;
    assert!(!registry.open_session(&late, &proof(9), version).await.expect("an answer"));
    let user = registrar.set_user_state(&admin(), user.id, UserState::Active).await;
    assert!(!is_in(&registry, 1, 1).await, "enabling revives nothing");
    let user = user.expect("enabled");
    open(&registry, &user, 3, 1).await;
    registrar.set_password(&admin(), user.id, hash('C')).await.expect("set");
    assert!(!is_in(&registry, 3, 1).await);
}

/// Who came and went, from where and when; a session that is over already is no event, and whoever
/// comes again and again does not fill the log.
pub async fn signing_in_and_out_is_in_the_audit_log_and_does_not_fill_it(
    registry: Arc<dyn Registry>,
) {
    let user = create_user(&registry, new_user("Ada")).await;
    let actor = format!("user:{}", user.id);
    let events = async |action: &str| {
        let (action, actor) = (Some(action.to_owned()), Some(actor.clone()));
        let query = AuditQuery { action, actor, limit: 100, ..AuditQuery::default() };
        registry.audit(&query).await.expect("events")
    };
    let mut sessions = Vec::new();
    for number in 0..25 {
        sessions.push(open(&registry, &user, number, i64::from(number)).await.id);
    }
    let came = events("user.sign-in").await;
    assert_eq!((came.len(), came[0].object.as_str()), (20, actor.as_str()));
    assert_eq!((came[3].at, came[3].address.as_deref()), (at(3), Some("192.0.2.7")));
    let third = came[3].after.as_deref().expect("which session");
    assert!(third.contains(&sessions[3].to_string()) && third.contains("Browser"), "{third}");
    for (number, second, expected) in [(25, HOUR - 1, 20), (26, HOUR, 21), (27, HOUR, 21)] {
        open(&registry, &user, number, second).await;
        assert_eq!(events("user.sign-in").await.len(), expected, "an hour after the first");
    }
    let stamp = Stamp { actor: actor.clone(), address: None, at: at(2 * HOUR) };
    for _ in 0..2 {
        registry.end_session(user.id, sessions[0], &stamp).await.expect("an answer");
    }
    registry.end_sessions(user.id, Ended::AllBut(sessions[1]), &stamp).await.expect("ended");
    let went = events("user.sign-out").await;
    let [one, rest] = went.as_slice() else { panic!("two events: {went:?}") };
    let told = |event: &AuditEvent| event.before.clone().expect("which sessions");
    assert_eq!(told(one), format!(r#"{{"session_ids":["{}"]}}"#, sessions[0]));
    assert!(told(rest).contains(&sessions[2].to_string()), "{rest:?}");
    assert!(!told(rest).contains(&sessions[1].to_string()), "it goes on");
    Registrar::new(registry).verify_audit().await.expect("the chain holds");
}

/// Whoever signs in again and again fills no table.
pub async fn a_user_has_a_hundred_sessions_at_most(registry: Arc<dyn Registry>) {
    let user = create_user(&registry, new_user("Ada")).await;
    for number in 0..103 {
        open(&registry, &user, number, i64::from(number)).await;
    }
    let own = registry.sessions(user.id, at(103)).await.expect("sessions");
    assert_eq!(own.len(), 100);
    assert!(!is_in(&registry, 2, 103).await && is_in(&registry, 3, 103).await);
}
