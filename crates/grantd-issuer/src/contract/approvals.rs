//! The part of the storage contract on approvals and consents.

use std::sync::Arc;

use grantd_core::{
    Approval, ApprovalId, ClientState, CodeChallenge, CodeTerms, Permission, SecretHash, SessionId,
    Timestamp, TokenId, TokenNames, Ttl, UserState,
};

use super::{
    admin, create, full_client, furnish, name,
    tokens::Whole,
    users::{create_user, hash as password, new_user},
};
use crate::{
    Admin, Consent, MOST_APPROVALS, MOST_CODES, NewApproval, NewUser, Presented, Redeem, Registrar,
    Registry, Rotate, Stamp, User, audit::AuditQuery, user_change::UserChange,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

fn hash(number: u8) -> SecretHash {
    SecretHash::from_bytes([number; 32])
}

fn stamp(user: &User, second: i64) -> Stamp {
    Stamp::of(&Admin::user(&user.id.to_string(), None), at(second))
}

/// A client that acts for users, and a user.
async fn pair<S: Whole>(storage: &Arc<S>) -> (Arc<dyn Registry>, User) {
    let registry: Arc<dyn Registry> = Arc::clone(storage) as _;
    furnish(&registry).await;
    create(&registry, full_client()).await;
    let new = NewUser {
        permissions: vec![name("a.write")],
        roles: vec![name("reader")],
        ..new_user("Ada")
    };
    let user = create_user(&registry, new).await;
    (registry, user)
}

fn approval(user: &User, number: u8) -> Approval {
    Approval {
        id: ApprovalId::mint(at(i64::from(number)), [number; 10]),
        client: name("legacy:1"),
        user: user.id,
        api: "default".to_owned(),
        scope: "a.read a.write".to_owned(),
        given_at: at(0),
        code: CodeTerms {
            redirect_uri: Some("https://a.example/cb".to_owned()),
            challenge: Some(CodeChallenge::from_bytes([3; 32])),
            ends_at: at(60),
            spent: false,
        },
        refresh: None,
        ends_at: at(3660),
    }
}

fn asked(user: &User, number: u8, approval: Approval) -> NewApproval {
    NewApproval {
        approval,
        code: hash(number),
        client_generation: 1,
        user_generation: user.generation,
        asked: Some(stamp(user, i64::from(number))),
    }
}

async fn keep(registry: &Arc<dyn Registry>, new: &NewApproval) {
    assert!(registry.approve(new).await.expect("an answer"), "all is as it was");
}

async fn approve(registry: &Arc<dyn Registry>, user: &User, number: u8) -> Approval {
    let new = asked(user, number, approval(user, number));
    keep(registry, &new).await;
    new.approval
}

fn redeem(family: Option<u8>) -> Redeem {
    Redeem { at: at(10), family: family.map(hash), ends_at: at(5000) }
}

fn rotate(number: u32, second: i64, retry: Option<i64>) -> Rotate {
    let retry = retry.and_then(Ttl::from_seconds);
    Rotate { number, retry, at: at(second), ends_at: at(second + 5000), family: hash(9) }
}

async fn is_dead<S: Whole>(storage: &Arc<S>, approval: &Approval) -> bool {
    let token = TokenNames {
        client: approval.client.to_string(),
        credential: None,
        token: TokenId::mint(at(0), [0; 10]),
        key: None,
        on_behalf: Some((approval.user, approval.id)),
    };
    let standing = storage.standing(&token).await.expect("an answer");
    assert!(standing.user.is_some(), "the user is known");
    standing.approval_dead
}

/// With the user as they are at that moment, and all their rights.
pub async fn an_approval_is_found_by_its_code_and_no_other<S: Whole>(storage: Arc<S>) {
    let (registry, user) = pair(&storage).await;
    let kept = approve(&registry, &user, 1).await;
    let found = registry.approval_of_code(&hash(1)).await.expect("an answer").expect("a code");
    assert_eq!(found.approval, kept);
    assert_eq!((found.owner.id, found.owner.state), (user.id, UserState::Active));
    let rights: Vec<_> = found.owner.permissions.iter().map(Permission::as_str).collect();
    assert_eq!(rights, ["a.read", "a.write", "b.read"]);
    assert!(registry.approval_of_code(&hash(2)).await.expect("an answer").is_none());
    let plain = Approval {
        code: CodeTerms { redirect_uri: None, challenge: None, ..approval(&user, 3).code },
        scope: String::new(),
        ..approval(&user, 3)
    };
    keep(&registry, &NewApproval { asked: None, ..asked(&user, 3, plain.clone()) }).await;
    let found = registry.approval_of_code(&hash(3)).await.expect("an answer").expect("a code");
    assert_eq!(found.approval, plain);
}

/// And whoever presents it again ends the approval, whose tokens are dead.
pub async fn a_code_works_once<S: Whole>(storage: Arc<S>) {
    let (registry, user) = pair(&storage).await;
    let kept = approve(&registry, &user, 1).await;
    let other = approve(&registry, &user, 2).await;
    let first = registry.redeem(kept.id, &redeem(Some(9))).await.expect("an answer");
    assert_eq!(first, Presented::Good(1));
    let found = registry.approval_of_code(&hash(1)).await.expect("an answer").expect("a code");
    assert!(found.approval.code.spent && found.approval.ends_at == at(5000));
    assert!(!is_dead(&storage, &kept).await);
    let again = registry.redeem(kept.id, &redeem(None)).await.expect("an answer");
    assert_eq!(again, Presented::Again);
    assert!(is_dead(&storage, &kept).await && !is_dead(&storage, &other).await);
    let gone = registry.redeem(kept.id, &redeem(None)).await.expect("an answer");
    assert_eq!(gone, Presented::Gone);
    let family = registry.approval_of_family(&[Some(hash(9)), None]).await.expect("an answer");
    assert!(family.is_none());
}

/// Of a hundred at once, whatever the engine; and the reuse is noticed.
pub async fn of_a_hundred_redemptions_one_wins<S: Whole>(storage: Arc<S>) {
    let (registry, user) = pair(&storage).await;
    let kept = approve(&registry, &user, 1).await;
    let tries = (0..100).map(|_| {
        let registry = Arc::clone(&registry);
        tokio::spawn(async move { registry.redeem(kept.id, &redeem(Some(9))).await })
    });
    let tries: Vec<_> = tries.collect();
    let (mut won, mut noticed) = (0, 0);
    for one in tries {
        match one.await.expect("no panic").expect("an answer") {
            Presented::Good(_) => won += 1,
            Presented::Again => noticed += 1,
            Presented::Gone => {}
        }
    }
    assert_eq!((won, noticed), (1, 1));
    assert!(is_dead(&storage, &approval(&user, 1)).await);
}

/// The next one works, the one before does not, unless it may be sent again for a while: then it
/// gives the same next one.
pub async fn a_refresh_token_works_once<S: Whole>(storage: Arc<S>) {
    let (registry, user) = pair(&storage).await;
    let kept = approve(&registry, &user, 1).await;
    registry.redeem(kept.id, &redeem(Some(9))).await.expect("redeemed");
    let of_family = async |family: [Option<SecretHash>; 2]| {
        let found = registry.approval_of_family(&family).await.expect("an answer");
        found.and_then(|found| found.approval.refresh).map(|state| state.number)
    };
    assert_eq!(of_family([Some(hash(9)), None]).await, Some(1));
    assert_eq!(of_family([Some(hash(8)), Some(hash(9))]).await, Some(1), "of the key before");
    assert_eq!(of_family([Some(hash(8)), None]).await, None);
    let present = async |rotate: Rotate| registry.rotate(kept.id, &rotate).await.expect("answer");
    assert_eq!(present(rotate(1, 100, None)).await, Presented::Good(2));
    assert_eq!(present(rotate(1, 129, Some(30))).await, Presented::Good(2), "sent again");
    assert_eq!(of_family([Some(hash(9)), None]).await, Some(2), "and nothing forks");
    assert_eq!(present(rotate(2, 200, None)).await, Presented::Good(3));
    assert!(!is_dead(&storage, &kept).await);
    assert_eq!(present(rotate(2, 230, Some(30))).await, Presented::Again, "too late");
    assert!(is_dead(&storage, &kept).await);
    assert_eq!(present(rotate(3, 231, None)).await, Presented::Gone);
}

/// Twenty who present the same one at once: at most one branch goes on, and here none.
pub async fn a_family_never_forks<S: Whole>(storage: Arc<S>) {
    let (registry, user) = pair(&storage).await;
    let kept = approve(&registry, &user, 1).await;
    registry.redeem(kept.id, &redeem(Some(9))).await.expect("redeemed");
    let tries = (0..20).map(|_| {
        let (registry, id) = (Arc::clone(&registry), kept.id);
        tokio::spawn(async move { registry.rotate(id, &rotate(1, 100, None)).await })
    });
    let tries: Vec<_> = tries.collect();
    let mut good = 0;
    for one in tries {
        let presented = one.await.expect("no panic").expect("an answer");
        good += u32::from(matches!(presented, Presented::Good(_)));
    }
    assert_eq!(good, 1);
    let left = registry.approval_of_family(&[Some(hash(9)), None]).await.expect("an answer");
    assert!(left.is_none() && is_dead(&storage, &kept).await);
}

/// Rotations and a withdrawal of consent at once: whatever came first, nothing lives afterwards, and
/// nothing is told to have gone on that did not.
pub async fn a_rotation_at_the_moment_of_a_withdrawal_leaves_nothing_alive<S: Whole>(
    storage: Arc<S>,
) {
    let (registry, user) = pair(&storage).await;
    for round in 1..=10 {
        let kept = approve(&registry, &user, round).await;
        registry.redeem(kept.id, &redeem(Some(100 + round))).await.expect("redeemed");
        let going_on = tokio::spawn({
            let registry = Arc::clone(&registry);
            async move {
                let mut number = 1;
                loop {
                    match registry.rotate(kept.id, &rotate(number, 100, None)).await {
                        Ok(Presented::Good(next)) => number = next,
                        ended => return ended,
                    }
                    tokio::task::yield_now().await;
                }
            }
        });
        tokio::task::yield_now().await;
        let withdrawn = registry.disconnect(user.id, &kept.client, &stamp(&user, 200)).await;
        assert!(withdrawn.expect("an answer"));
        let ended = going_on.await.expect("no panic").expect("an answer");
        assert_eq!(ended, Presented::Gone, "round {round}");
        let left = registry.approval_of_family(&[Some(hash(100 + round)), None]).await;
        assert!(left.expect("an answer").is_none() && is_dead(&storage, &kept).await);
    }
}

/// It grows with each time they are asked, says when it was last used, and is in the audit log.
pub async fn consent_is_remembered_until_it_is_taken_back<S: Whole>(storage: Arc<S>) {
    let (registry, user) = pair(&storage).await;
    let first = Approval { scope: "a.write".to_owned(), ..approval(&user, 1) };
    keep(&registry, &asked(&user, 1, first.clone())).await;
    let second = Approval { scope: "a.read".to_owned(), ..approval(&user, 2) };
    keep(&registry, &asked(&user, 2, second.clone())).await;
    keep(&registry, &asked(&user, 4, Approval { id: approval(&user, 4).id, ..second.clone() }))
        .await;
    let silent = Approval { scope: "a.read".to_owned(), ..approval(&user, 3) };
    keep(&registry, &NewApproval { asked: None, ..asked(&user, 3, silent.clone()) }).await;
    let more = Approval { scope: "a.read b.read".to_owned(), ..approval(&user, 5) };
    let more = NewApproval { asked: None, ..asked(&user, 5, more) };
    assert!(!registry.approve(&more).await.expect("an answer"), "that was never consented to");
    registry.redeem(silent.id, &redeem(None)).await.expect("redeemed");
    let known = registry.consent(user.id, &first.client).await.expect("an answer");
    let expected = Consent {
        user: user.id,
        client: first.client.clone(),
        permissions: vec![name("a.read"), name("a.write")],
        given_at: at(1),
        used_at: Some(at(10)),
    };
    assert_eq!(known.as_ref(), Some(&expected));
    assert_eq!(registry.consents(user.id).await.expect("a list"), [expected]);
    let gone = registry.disconnect(user.id, &first.client, &stamp(&user, 20)).await;
    assert!(gone.expect("an answer"));
    assert!(is_dead(&storage, &silent).await);
    assert!(!is_dead(&storage, &first).await, "no token came of it, so there is nothing to tell");
    assert!(registry.approval_of_code(&hash(2)).await.expect("an answer").is_none());
    assert!(registry.consents(user.id).await.expect("a list").is_empty());
    let silent = NewApproval { asked: None, ..asked(&user, 6, approval(&user, 6)) };
    assert!(!registry.approve(&silent).await.expect("an answer"), "the consent is gone");
    let again = registry.disconnect(user.id, &first.client, &stamp(&user, 21)).await;
    assert!(!again.expect("an answer"));
    let query =
        AuditQuery { actor: Some(format!("user:{}", user.id)), limit: 10, ..AuditQuery::default() };
    let events = registry.audit(&query).await.expect("events");
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["consent.give", "consent.give", "consent.withdraw"]);
    assert!(events.iter().all(|event| event.object == "client:legacy:1"));
}

/// Who is disabled and enabled, or suspended and restored, begins anew; what was decided before that
/// counts no more.
pub async fn disabled_users_and_suspended_clients_lose_their_approvals<S: Whole>(storage: Arc<S>) {
    let (registry, user) = pair(&storage).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    let there = async |number: u8| {
        registry.approval_of_code(&hash(number)).await.expect("an answer").is_some()
    };
    let first = approve(&registry, &user, 1).await;
    registry.redeem(first.id, &redeem(None)).await.expect("redeemed");
    let late = async |user: &User, number: u8| {
        let new = asked(user, number, approval(user, number));
        registry.approve(&new).await.expect("an answer")
    };
    registrar.set_user_state(&admin(), user.id, UserState::Disabled).await.expect("changed");
    assert!(!late(&user, 7).await, "decided before");
    let user = registrar.set_user_state(&admin(), user.id, UserState::Active).await;
    let user = user.expect("changed");
    assert!(!there(1).await && is_dead(&storage, &first).await);
    let second = approve(&registry, &user, 2).await;
    registry.redeem(second.id, &redeem(None)).await.expect("redeemed");
    registrar.set_client_state(&admin(), "legacy:1", ClientState::Revoked).await.expect("changed");
    assert!(!late(&user, 8).await, "decided before");
    registrar.set_client_state(&admin(), "legacy:1", ClientState::Active).await.expect("changed");
    assert!(!late(&user, 9).await, "under the generation of before");
    assert!(!there(2).await && is_dead(&storage, &second).await);
    let known = registry.consent(user.id, &second.client).await.expect("an answer");
    assert!(known.is_some(), "what they said is not forgotten");
}

/// A password that an operator sets ends what was allowed; one's own does not.
pub async fn another_s_password_ends_approvals<S: Whole>(storage: Arc<S>) {
    let (registry, user) = pair(&storage).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    let kept = approve(&registry, &user, 1).await;
    registry.redeem(kept.id, &redeem(Some(9))).await.expect("redeemed");
    let keep = SessionId::mint(at(0), [1; 10]);
    let own = UserChange::Password { hash: password('B'), keep: Some(keep), instead_of: None };
    registry.change_user(user.id, None, &own, &stamp(&user, 1)).await.expect("changed");
    assert!(!is_dead(&storage, &kept).await);
    registrar.set_password(&admin(), user.id, password('C')).await.expect("set");
    assert!(is_dead(&storage, &kept).await);
}

/// Codes that nobody redeems push out each other and nothing else.
pub async fn approvals_are_bounded<S: Whole>(storage: Arc<S>) {
    let (registry, user) = pair(&storage).await;
    let there = async |number: u8| {
        registry.approval_of_code(&hash(number)).await.expect("an answer").is_some()
    };
    let first = approve(&registry, &user, 0).await;
    registry.redeem(first.id, &redeem(None)).await.expect("redeemed");
    let codes = u8::try_from(MOST_CODES).expect("a small number");
    for number in 1..=codes + 1 {
        approve(&registry, &user, number).await;
    }
    assert!(there(0).await && !there(1).await && there(2).await && there(codes + 1).await);
    assert!(!is_dead(&storage, &first).await && !is_dead(&storage, &approval(&user, 1)).await);
    let most = u8::try_from(MOST_APPROVALS).expect("a small number");
    for number in 20..20 + most {
        let kept = approve(&registry, &user, number).await;
        registry.redeem(kept.id, &redeem(None)).await.expect("redeemed");
    }
    assert!(!there(0).await && there(20).await);
    assert!(is_dead(&storage, &first).await, "the oldest of those that were used");
    registry.forget_approvals(at(4999)).await.expect("forgotten");
    assert!(there(20).await && !there(2).await);
    registry.forget_approvals(at(5000)).await.expect("forgotten");
    assert!(!there(20).await);
}

/// A code that was refused is forgotten, unless it was redeemed.
pub async fn a_refused_code_is_forgotten<S: Whole>(storage: Arc<S>) {
    let (registry, user) = pair(&storage).await;
    let [first, second] = [approve(&registry, &user, 1).await, approve(&registry, &user, 2).await];
    registry.redeem(second.id, &redeem(None)).await.expect("redeemed");
    for id in [first.id, second.id, first.id] {
        registry.discard(id).await.expect("discarded");
    }
    assert!(registry.approval_of_code(&hash(1)).await.expect("an answer").is_none());
    assert!(registry.approval_of_code(&hash(2)).await.expect("an answer").is_some());
    assert!(!is_dead(&storage, &first).await && !is_dead(&storage, &second).await);
}

/// What comes again under the same name is another permission.
pub async fn a_deleted_permission_is_in_no_consent_and_no_approval<S: Whole>(storage: Arc<S>) {
    let (registry, user) = pair(&storage).await;
    let registrar = Registrar::new(Arc::clone(&registry));
    let both = approve(&registry, &user, 1).await;
    let alone = Approval { scope: "a.read".to_owned(), ..approval(&user, 2) };
    keep(&registry, &asked(&user, 2, alone.clone())).await;
    let nothing = Approval { scope: String::new(), ..approval(&user, 3) };
    keep(&registry, &asked(&user, 3, nothing.clone())).await;
    for id in [both.id, alone.id, nothing.id] {
        registry.redeem(id, &redeem(None)).await.expect("redeemed");
    }
    registrar.delete_permission(&admin(), &name("a.read")).await.expect("deleted");
    let found = registry.approval_of_code(&hash(1)).await.expect("an answer").expect("a code");
    assert_eq!(found.approval.scope, "a.write");
    assert!(is_dead(&storage, &alone).await && !is_dead(&storage, &nothing).await);
    let consent = registry.consent(user.id, &both.client).await.expect("an answer");
    assert_eq!(consent.expect("a consent").permissions, [name("a.write")]);
}
