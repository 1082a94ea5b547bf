//! Signing in as a host sees it: what a claim proves, and for how long.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use grantd_issuer::{
    Accounts, Admin, Clock, CommandError, Conflict, Memory, NewUser, Password, PasswordHash,
    Registrar, Registry, User, UserState, Users,
    accounts::{Opened, Origin},
    core::{Secret, SecretKey, Timestamp},
};

const PASSWORD: &str = "correct horse";

/// A clock that a test sets, in seconds.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicI64>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + self.0.load(Ordering::SeqCst))
    }
}

struct World {
    storage: Arc<Memory>,
    registrar: Registrar,
    accounts: Accounts,
    clock: Hands,
    user: User,
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash::of(&Password::choose(secret(text)).unwrap(), [7; 16]).unwrap()
}

impl World {
    async fn new() -> Self {
        let (storage, clock) = (Arc::new(Memory::default()), Hands::default());
        let registry = Arc::clone(&storage) as Arc<dyn Registry>;
        let registrar = Registrar::new(Arc::clone(&registry));
        let new = NewUser {
            name: "Ada".parse().unwrap(),
            password: Some(hash(PASSWORD)),
            permissions: Vec::new(),
            roles: Vec::new(),
        };
        let user = registrar.create_user(&Admin::program("test"), new).await.unwrap();
        let hasher = SecretKey::from_bytes([1; 32]).session_hasher();
        let accounts = Accounts::new(registry, hasher).clock(clock.clone());
        Self { storage, registrar, accounts, clock, user }
    }

    async fn sign_in(&self) -> Opened {
        let proven = self.accounts.claim("ada").await.unwrap().check(secret(PASSWORD)).unwrap();
        self.accounts.open(proven, &Origin::default()).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn only_name_and_password_together_prove_anything() {
    let world = World::new().await;
    let other = NewUser {
        name: "Machine".parse().unwrap(),
        password: None,
        permissions: Vec::new(),
        roles: Vec::new(),
    };
    world.registrar.create_user(&Admin::program("test"), other).await.unwrap();
    for (name, password) in [
        ("Ada", "correct hors"),
        ("Ada", ""),
        ("Bob", PASSWORD),
        ("Machine", PASSWORD),
        ("", PASSWORD),
        ("a\nb", PASSWORD),
    ] {
        let claim = world.accounts.claim(name).await.unwrap();
        assert!(claim.check(secret(password)).is_none(), "{name:?} {password:?}");
    }
    assert!(world.accounts.claim("ADA").await.unwrap().check(secret(PASSWORD)).is_some());
    let (by, id) = (Admin::program("test"), world.user.id);
    world.registrar.set_user_state(&by, id, UserState::Disabled).await.unwrap();
    assert!(world.accounts.claim("Ada").await.unwrap().check(secret(PASSWORD)).is_none());
}

#[tokio::test]
async fn what_was_proved_before_a_change_opens_nothing_after_it() {
    let world = World::new().await;
    let prove = async || world.accounts.claim("Ada").await.unwrap().check(secret(PASSWORD));
    let proven = prove().await.unwrap();
    let (by, id) = (Admin::program("test"), world.user.id);
    world.registrar.set_password(&by, id, hash("another one")).await.unwrap();
    assert!(world.accounts.open(proven, &Origin::default()).await.unwrap().is_none());
    assert!(prove().await.is_none());
}

#[tokio::test]
async fn who_proved_the_old_password_does_not_undo_a_reset() {
    let world = World::new().await;
    let prove =
        async |password: &str| world.accounts.claim("Ada").await.unwrap().check(secret(password));
    let kept = world.sign_in().await.session.id;
    let early = prove(PASSWORD).await.unwrap();
    let (by, id) = (Admin::program("test"), world.user.id);
    world.registrar.set_password(&by, id, hash("the reset one")).await.unwrap();
    let lost = world.registrar.change_own_password(&by, &early, hash("the thief's"), kept).await;
    assert!(matches!(lost, Err(CommandError::Conflict(Conflict::PasswordDiffers(_)))), "{lost:?}");
    let proven = prove("the reset one").await.unwrap();
    world.registrar.change_own_password(&by, &proven, hash("my own one"), kept).await.unwrap();
    assert!(prove("my own one").await.is_some());
}

#[tokio::test]
async fn a_session_is_its_secret_s_and_ends_with_the_server_key() {
    let world = World::new().await;
    let opened = world.sign_in().await;
    let found = world.accounts.signed_in(opened.secret.reveal()).await.unwrap().unwrap();
    assert_eq!((found.session, found.user.id), (opened.session, world.user.id));
    let other = "0".repeat(64);
    for text in ["", "x", &other, &opened.secret.reveal()[1..]] {
        assert!(world.accounts.signed_in(text).await.unwrap().is_none(), "{text}");
    }
    let hasher = SecretKey::from_bytes([2; 32]).session_hasher();
    let after = Accounts::new(Arc::clone(&world.storage) as Arc<_>, hasher);
    assert!(after.signed_in(opened.secret.reveal()).await.unwrap().is_none());
}

#[tokio::test]
async fn use_is_noted_once_a_minute_and_keeps_a_session_alive() {
    let world = World::new().await;
    let opened = world.sign_in().await;
    let seen = async |second: i64| {
        world.clock.0.store(second, Ordering::SeqCst);
        let found = world.accounts.signed_in(opened.secret.reveal()).await.unwrap();
        let known = world.accounts.sessions(world.user.id).await.unwrap();
        (found.is_some(), known.first().map(|session| session.seen_at.seconds() - 1_800_000_000))
    };
    assert_eq!(seen(59).await, (true, Some(0)));
    assert_eq!(seen(60).await, (true, Some(60)));
    assert_eq!(seen(119).await, (true, Some(60)));
    assert_eq!(seen(3659).await, (true, Some(3659)));
    assert_eq!(seen(3659 + 3600).await, (false, None));
}

#[tokio::test]
async fn an_outdated_hash_is_made_anew_by_the_right_password_alone() {
    let world = World::new().await;
    // With little memory and one pass, made by the reference implementation.
    let weak = "$argon2id$v=19$m=64,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$CqjXYherJCxtFEM9X/EF3VOfHOS+B/EQO8P37WruDvs";
    let weak: PasswordHash = weak.parse().unwrap();
    world.storage.rehash(world.user.id, &hash(PASSWORD), &weak).await.unwrap();
    let kept = async || {
        let name = "Ada".parse().unwrap();
        world.storage.user_named(&name).await.unwrap().unwrap().password.unwrap()
    };
    assert!(world.accounts.claim("Ada").await.unwrap().check(secret("wrong one.")).is_none());
    assert_eq!(kept().await, weak);
    let opened = world.sign_in().await;
    assert!(kept().await != weak && !kept().await.is_outdated());
    assert!(world.accounts.signed_in(opened.secret.reveal()).await.unwrap().is_some());
}
