//! The part of the storage contract on passkeys.

use std::sync::Arc;

use grantd_core::{SecretHash, SessionId, Timestamp, UserId};

use super::{
    admin, name,
    users::{create_user, hash, new_user},
};
use crate::{
    CommandError, Conflict, Passkey, PasskeyRecord, Registrar, Registry, Session, User, UserState,
    accounts::Origin,
    audit::AuditQuery,
    passkey::{Answered, NewPasskey, PasskeyUse},
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

fn answered(number: u8) -> Answered {
    Answered { question: SecretHash::from_bytes([number; 32]), until: at(300) }
}

/// Adds a passkey with this number, in answer to a question with this number.
async fn add(
    registry: &Arc<dyn Registry>,
    user: UserId,
    (credential, question): (u8, u8),
) -> Result<Passkey, CommandError> {
    let key = format!("{{\"counter\":{credential}}}");
    let new = NewPasskey { user, name: name("My phone"), credential: vec![credential; 64], key };
    Registrar::new(Arc::clone(registry)).add_passkey(&admin(), new, &answered(question)).await
}

async fn of_user(registry: &Arc<dyn Registry>, user: UserId) -> Vec<PasskeyRecord> {
    registry.passkeys(user).await.expect("an answer")
}

/// A use of this passkey as it is now, in answer to a question with this number.
fn used(record: &PasskeyRecord, user: &User, question: u8) -> PasskeyUse {
    PasskeyUse {
        passkey: record.passkey.id,
        key: (record.key.clone(), format!("{} ", record.key)),
        version: user.version,
        answered: answered(question),
    }
}

/// Enters by it; the session's proof has the question's number.
async fn enter(registry: &Arc<dyn Registry>, user: UserId, used: &PasskeyUse) -> bool {
    let proof = used.answered.question;
    let id = SessionId::mint(at(0), [proof.as_bytes()[0]; 10]);
    let session = Session::begin(id, user, at(0), &Origin::default());
    registry.enter_by_passkey(&session, &proof, used).await.expect("an answer")
}

async fn is_in(registry: &Arc<dyn Registry>, number: u8) -> bool {
    let proof = SecretHash::from_bytes([number; 32]);
    registry.signed_in(&proof, at(1)).await.expect("an answer").is_some()
}

/// With its user and all that was said; nobody is found by another id.
pub async fn a_passkey_is_found_by_what_browsers_call_it(registry: Arc<dyn Registry>) {
    let ada = create_user(&registry, new_user("Ada")).await;
    let bob = create_user(&registry, new_user("Bob")).await;
    let first = add(&registry, ada.id, (1, 1)).await.expect("added");
    let second = add(&registry, ada.id, (2, 2)).await.expect("added");
    add(&registry, bob.id, (3, 3)).await.expect("added");
    assert_eq!((first.user, first.name.as_str(), first.last_used_at), (ada.id, "My phone", None));
    let found = registry.passkey_named(&[1; 64]).await.expect("an answer").expect("a passkey");
    assert_eq!((&found.0.passkey, &found.1), (&first, &ada));
    assert_eq!((found.0.credential, &*found.0.key), (vec![1; 64], "{\"counter\":1}"));
    assert!(registry.passkey_named(&[1; 63]).await.expect("an answer").is_none());
    let own: Vec<_> = of_user(&registry, ada.id).await;
    let own: Vec<_> = own.into_iter().map(|record| record.passkey).collect();
    assert_eq!(own.len(), 2);
    assert!(own.contains(&first) && own.contains(&second));
}

/// By nobody else either; an answer adds one passkey, and nobody who is disabled adds any.
pub async fn a_passkey_is_known_once_and_a_user_has_twenty_at_most(registry: Arc<dyn Registry>) {
    let ada = create_user(&registry, new_user("Ada")).await;
    let bob = create_user(&registry, new_user("Bob")).await;
    add(&registry, ada.id, (1, 1)).await.expect("added");
    let refused =
        async |user: &User, numbers: (u8, u8)| match add(&registry, user.id, numbers).await {
            Err(CommandError::Conflict(conflict)) => conflict,
            other => panic!("{other:?}"),
        };
    assert_eq!(refused(&ada, (1, 2)).await, Conflict::PasskeyExists);
    assert_eq!(refused(&bob, (1, 2)).await, Conflict::PasskeyExists);
    assert_eq!(refused(&ada, (2, 1)).await, Conflict::PasskeyAnswered);
    assert_eq!(of_user(&registry, ada.id).await.len(), 1, "what is refused leaves nothing");
    for number in 2..=20 {
        add(&registry, ada.id, (number, number)).await.expect("added");
    }
    assert_eq!(refused(&ada, (21, 21)).await, Conflict::PasskeysFull);
    add(&registry, bob.id, (21, 21)).await.expect("a refused answer did not count");
    let registrar = Registrar::new(Arc::clone(&registry));
    registrar.set_user_state(&admin(), bob.id, UserState::Disabled).await.expect("disabled");
    let disabled = add(&registry, bob.id, (22, 22)).await;
    assert!(matches!(disabled, Err(CommandError::UserUnknown(_))), "{disabled:?}");
}

/// Its counter moves with it; what was checked by an older one, or answers again, opens nothing, until
/// the answer comes too late by itself and is forgotten.
pub async fn a_passkey_opens_a_session_and_an_answer_counts_once(registry: Arc<dyn Registry>) {
    let ada = create_user(&registry, new_user("Ada")).await;
    let bob = create_user(&registry, new_user("Bob")).await;
    add(&registry, ada.id, (1, 1)).await.expect("added");
    let before = of_user(&registry, ada.id).await.remove(0);
    assert!(!enter(&registry, bob.id, &used(&before, &bob, 9)).await, "it is not Bob's");
    assert!(enter(&registry, ada.id, &used(&before, &ada, 2)).await && is_in(&registry, 2).await);
    let after = of_user(&registry, ada.id).await.remove(0);
    assert_eq!((&*after.key, after.passkey.last_used_at), ("{\"counter\":1} ", Some(at(0))));
    let user = registry.user(ada.id).await.expect("an answer").expect("a user");
    assert_eq!((user.last_login_at, user.version), (Some(at(0)), ada.version));
    assert!(!enter(&registry, ada.id, &used(&before, &ada, 3)).await, "checked by the old key");
    assert!(!enter(&registry, ada.id, &used(&after, &ada, 2)).await, "answered already");
    assert!(!enter(&registry, ada.id, &used(&after, &ada, 1)).await, "answered when it was added");
    assert!(!is_in(&registry, 3).await && !is_in(&registry, 1).await);
    let kept = of_user(&registry, ada.id).await.remove(0);
    assert_eq!(kept, after, "what is refused changes nothing");
    registry.forget_answered(at(299)).await.expect("swept");
    assert!(!enter(&registry, ada.id, &used(&after, &ada, 1)).await, "not yet too late");
    registry.forget_answered(at(300)).await.expect("swept");
    assert!(enter(&registry, ada.id, &used(&after, &ada, 1)).await, "and now forgotten");
}

/// Passkeys outlive a password, and a user who was disabled and enabled again has them still.
pub async fn who_is_disabled_or_was_changed_enters_by_no_passkey(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let ada = create_user(&registry, new_user("Ada")).await;
    add(&registry, ada.id, (1, 1)).await.expect("added");
    let record = of_user(&registry, ada.id).await.remove(0);
    let changed = registrar.set_password(&admin(), ada.id, hash('B')).await.expect("set");
    assert!(!enter(&registry, ada.id, &used(&record, &ada, 2)).await, "of the user before");
    assert!(enter(&registry, ada.id, &used(&record, &changed, 3)).await);
    let disabled = registrar.set_user_state(&admin(), ada.id, UserState::Disabled).await;
    let record = of_user(&registry, ada.id).await.remove(0);
    let disabled = disabled.expect("disabled");
    assert!(!enter(&registry, ada.id, &used(&record, &disabled, 4)).await);
    let enabled = registrar.set_user_state(&admin(), ada.id, UserState::Active).await;
    let enabled = enabled.expect("enabled");
    assert!(enter(&registry, ada.id, &used(&record, &enabled, 5)).await);
}

/// One of one's own or all of somebody's, never another's; no public key stands in the log.
pub async fn a_removed_passkey_is_gone_and_both_are_in_the_audit_log(registry: Arc<dyn Registry>) {
    let registrar = Registrar::new(Arc::clone(&registry));
    let ada = create_user(&registry, new_user("Ada")).await;
    let bob = create_user(&registry, new_user("Bob")).await;
    let mut added = Vec::new();
    for number in 1..=3 {
        added.push(add(&registry, ada.id, (number, number)).await.expect("added").id);
    }
    let bobs = add(&registry, bob.id, (4, 4)).await.expect("added").id;
    let record = of_user(&registry, ada.id).await;
    let record = record.iter().find(|record| record.passkey.id == added[0]).expect("there").clone();
    let remove = async |user: &User, which| {
        registrar.remove_passkeys(&admin(), user.id, which).await.expect("an answer")
    };
    assert_eq!(remove(&ada, Some(bobs)).await, 0);
    assert_eq!((remove(&ada, Some(added[0])).await, remove(&ada, Some(added[0])).await), (1, 0));
    assert!(!enter(&registry, ada.id, &used(&record, &ada, 9)).await, "it is gone");
    assert!(registry.passkey_named(&[1; 64]).await.expect("an answer").is_none());
    assert_eq!((remove(&ada, None).await, remove(&ada, None).await), (2, 0));
    assert_eq!(
        (of_user(&registry, ada.id).await.len(), of_user(&registry, bob.id).await.len()),
        (0, 1)
    );
    let object = Some(format!("user:{}", ada.id));
    let events = registry.audit(&AuditQuery { object, limit: 100, ..AuditQuery::default() }).await;
    let events = events.expect("events");
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    let (add, remove) = ("user.passkey_add", "user.passkey_remove");
    assert_eq!(actions, ["user.create", add, add, add, remove, remove, remove]);
    let (after, before) = (events[1].after.as_deref(), events[4].before.as_deref());
    assert!(after.is_some_and(|after| after.contains("My phone")) && events[1].before.is_none());
    assert!(before.is_some_and(|before| before.contains(&added[0].to_string())));
    assert!(!events.iter().any(|event| format!("{event:?}").contains("counter")));
    registrar.verify_audit().await.expect("the chain holds");
}
