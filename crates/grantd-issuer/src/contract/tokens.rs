//! The part of the storage contract that [`Tokens`] adds.

use std::sync::Arc;

use grantd_core::{ClientState, Standing, Timestamp, TokenId, TokenNames};

use super::{admin, create, hasher};
use crate::{NewClient, Registrar, Registry, Rotation, Tokens};

/// Makes one test of each clause, as [`crate::storage_contract`] does, for a storage that is
/// [`Tokens`] as well.
#[macro_export]
macro_rules! tokens_contract {
    ($make:expr) => {
        $crate::tokens_contract! { $make; tokens
            a_killed_token_is_dead_at_once_and_no_other_is
            a_killed_token_is_remembered_until_its_end
            a_revoked_key_kills_what_it_signed_for_years_and_nothing_else
            the_standing_of_a_client_is_what_it_is_now
            a_secret_that_was_ended_kills_its_tokens_and_one_that_ended_by_itself_does_not
        }
        $crate::tokens_contract! { $make; approvals
            an_approval_is_found_by_its_code_and_no_other
            a_code_works_once
            of_a_hundred_redemptions_one_wins
            a_refresh_token_works_once
            a_family_never_forks
            a_rotation_at_the_moment_of_a_withdrawal_leaves_nothing_alive
            consent_is_remembered_until_it_is_taken_back
            disabled_users_and_suspended_clients_lose_their_approvals
            another_s_password_ends_approvals
            approvals_are_bounded
            a_refused_code_is_forgotten
            a_deleted_permission_is_in_no_consent_and_no_approval
        }
    };
    ($make:expr; $part:ident $($clause:ident)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $clause() {
            let (storage, _keep) = $make.await;
            $crate::contract::$part::$clause(std::sync::Arc::new(storage)).await;
        })+
    };
}

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const END: Timestamp = Timestamp::from_seconds(1_800_000_060);

/// A storage whose clients' tokens can be asked about.
pub trait Whole: Registry + Tokens + 'static {}
impl<S: Registry + Tokens + 'static> Whole for S {}

async fn client<S: Whole>(storage: &Arc<S>) -> TokenNames {
    let registry: Arc<dyn Registry> = Arc::clone(storage) as _;
    let new = NewClient { name: "A".to_owned(), ..NewClient::default() };
    let created = create(&registry, new).await;
    TokenNames {
        client: created.client.id.to_string(),
        credential: created.secret.map(|(id, _)| id),
        token: TokenId::mint(NOW, [0; 10]),
        key: Some("k1".to_owned()),
        on_behalf: None,
    }
}

async fn standing<S: Whole>(storage: &Arc<S>, token: &TokenNames) -> Standing {
    storage.standing(token).await.expect("an answer")
}

fn alive() -> Standing {
    Standing {
        client: Some((ClientState::Active, 1)),
        credential_dead: false,
        token_dead: false,
        key_dead: false,
        user: None,
        approval_dead: false,
    }
}

/// Dead when the call returns, and again without harm.
pub async fn a_killed_token_is_dead_at_once_and_no_other_is<S: Whole>(storage: Arc<S>) {
    let token = client(&storage).await;
    let other = TokenNames { token: TokenId::mint(NOW, [1; 10]), ..token.clone() };
    assert_eq!(standing(&storage, &token).await, alive());
    for _ in 0..2 {
        storage.revoke_token(token.token, END, NOW).await.expect("killed");
        assert_eq!(standing(&storage, &token).await, Standing { token_dead: true, ..alive() });
        assert_eq!(standing(&storage, &other).await, alive());
    }
}

/// Whatever is killed after it; only behind its end may it be forgotten.
pub async fn a_killed_token_is_remembered_until_its_end<S: Whole>(storage: Arc<S>) {
    let token = client(&storage).await;
    storage.revoke_token(token.token, END, NOW).await.expect("killed");
    for later in 1..=10 {
        let other = TokenId::mint(NOW, [later; 10]);
        let moment = Timestamp::from_micros(END.micros() - i64::from(11 - later));
        storage.revoke_token(other, END, moment).await.expect("killed");
        assert!(standing(&storage, &token).await.token_dead);
    }
}

/// Whoever stole a key makes tokens that end when they like.
pub async fn a_revoked_key_kills_what_it_signed_for_years_and_nothing_else<S: Whole>(
    storage: Arc<S>,
) {
    let registrar = Registrar::new(Arc::clone(&storage) as Arc<dyn Registry>);
    let token = client(&storage).await;
    let others = [Some("k2".to_owned()), None].map(|key| TokenNames { key, ..token.clone() });
    assert_eq!(standing(&storage, &token).await, alive());
    for _ in 0..2 {
        registrar.revoke_key(&admin(), "k1").await.expect("revoked");
        assert_eq!(standing(&storage, &token).await, Standing { key_dead: true, ..alive() });
        for other in &others {
            assert_eq!(standing(&storage, other).await, alive());
        }
    }
    let entries = storage.changes(0, 100).await.expect("an answer").expect("a log");
    let entry = entries.iter().find(|entry| entry.kind == "key").expect("an entry");
    assert_eq!(entry.id, "k1");
    assert!(entry.until > Some(Timestamp::from_seconds(NOW.seconds() + 5 * 365 * 86_400)));
}

/// State and generation follow each change at once, deleted clients' included.
pub async fn the_standing_of_a_client_is_what_it_is_now<S: Whole>(storage: Arc<S>) {
    let registrar = Registrar::new(Arc::clone(&storage) as Arc<dyn Registry>);
    let token = client(&storage).await;
    for (generation, state) in
        [(2, ClientState::Revoked), (3, ClientState::Deleted), (4, ClientState::Active)]
    {
        registrar.set_client_state(&admin(), &token.client, state).await.expect("changed");
        let now = standing(&storage, &token).await;
        assert_eq!(now, Standing { client: Some((state, generation)), ..alive() });
    }
    for nobody in ["", "nobody", "' OR 1=1 --", "\0", "é"] {
        let token = TokenNames { client: nobody.to_owned(), ..token.clone() };
        assert_eq!(standing(&storage, &token).await.client, None, "{nobody}");
    }
}

/// Rotated without overlap, or revoked: dead. Behind its overlap: its tokens end by themselves.
pub async fn a_secret_that_was_ended_kills_its_tokens_and_one_that_ended_by_itself_does_not<
    S: Whole,
>(
    storage: Arc<S>,
) {
    let registrar = Registrar::new(Arc::clone(&storage) as Arc<dyn Registry>);
    let (soft, hard) = (client(&storage).await, client(&storage).await);
    let overlap = Rotation { overlap: "1s".parse().ok(), version: None };
    registrar.rotate(&admin(), &soft.client, overlap, &hasher()).await.expect("rotated");
    let hard_end = Rotation::default();
    let rotated =
        registrar.rotate(&admin(), &hard.client, hard_end, &hasher()).await.expect("rotated");
    assert!(!standing(&storage, &soft).await.credential_dead);
    assert!(standing(&storage, &hard).await.credential_dead);
    let fresh = TokenNames { credential: rotated.secret.map(|(id, _)| id), ..hard };
    assert!(!standing(&storage, &fresh).await.credential_dead, "the new one's tokens live");
    let id = soft.credential.expect("a credential");
    registrar.revoke_secret(&admin(), &soft.client, id).await.expect("revoked");
    assert!(standing(&storage, &soft).await.credential_dead);
}
