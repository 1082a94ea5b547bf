//! The server as a library: what a host that embeds it relies on.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use grantd_issuer::{
    Admin, Clients, Hour, Issuer, KeyRing, Memory, NewClient, Outcome, PermissionEntry, Registrar,
    Response, StorageFault, Usage,
    change_log::ChangeEntry,
    core::{Algorithm, Client, ClientState, GrantType, SecretKey, SigningKey},
};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

/// A storage that counts questions and can break.
#[derive(Default)]
struct Counted {
    memory: Arc<Memory>,
    asked: AtomicUsize,
    broken: AtomicBool,
}

#[async_trait]
impl Clients for Counted {
    async fn client(&self, id: &str) -> Result<Option<Client>, StorageFault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.broken.load(Ordering::SeqCst) {
            return Err(StorageFault::plain("the disk is gone: /secret/path"));
        }
        self.memory.client(id).await
    }

    async fn revision(&self) -> Result<u64, StorageFault> {
        self.memory.revision().await
    }

    async fn changes(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Option<Vec<ChangeEntry>>, StorageFault> {
        self.memory.changes(after, limit).await
    }
}

struct Host {
    storage: Arc<Counted>,
    registrar: Registrar,
    issuer: Issuer,
    id: String,
    form: String,
}

impl Host {
    async fn new(signing_alg: Option<Algorithm>) -> Self {
        let storage = Arc::new(Counted::default());
        let registrar = Registrar::new(storage.memory.clone());
        let admin = Admin::program("test");
        let key = SecretKey::from_bytes([7; 32]);
        let name: grantd_core::Permission = "a".parse().unwrap();
        let entry = PermissionEntry {
            name: name.clone(),
            api: "default".to_owned(),
            description: String::new(),
        };
        registrar.create_permission(&admin, &entry).await.unwrap();
        let new = NewClient {
            name: "A".to_owned(),
            permissions: vec![name],
            signing_alg,
            ..NewClient::default()
        };
        let created = registrar.create_client(&admin, new, &key.secret_hasher()).await.unwrap();
        let id = created.client.id.to_string();
        let secret = created.secret.unwrap().1;
        let form = format!(
            "grant_type=client_credentials&client_id={id}&client_secret={}",
            secret.reveal()
        );
        let keys =
            KeyRing::new(vec![SigningKey::generate(Algorithm::Es256).unwrap()], &[]).unwrap();
        let issuer = Issuer::builder("https://auth.example", keys, key)
            .enable(GrantType::ClientCredentials, Some("5m".parse().unwrap()))
            .token_path("/access_token")
            .build(storage.clone());
        Self { storage, registrar, issuer, id, form }
    }

    async fn post(&self, form: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.issuer.post_token(&headers, form.as_bytes(), None).await
    }

    fn questions(&self) -> usize {
        self.storage.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn l1_and_l3_a_host_gets_a_whole_answer_and_mounts_it_where_it_likes() {
    let host = Host::new(None).await;
    let answer = host.post(&host.form).await;
    assert_eq!(answer.status(), 200);
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(
        (body["expires_in"].as_u64(), body["token_type"].as_str()),
        (Some(300), Some("Bearer"))
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(host.issuer.metadata().body()).unwrap();
    assert_eq!(metadata["token_endpoint"], "https://auth.example/access_token");
}

#[tokio::test]
async fn a_cached_client_asks_storage_nothing() {
    let host = Host::new(None).await;
    for _ in 0..100 {
        assert_eq!(host.post(&host.form).await.status(), 200);
    }
    assert_eq!(host.questions(), 1);
}

#[tokio::test]
async fn an_unknown_id_is_asked_for_once_and_an_impossible_one_never() {
    let host = Host::new(None).await;
    for _ in 0..10 {
        host.post("grant_type=client_credentials&client_id=nobody&client_secret=x").await;
        host.post("grant_type=client_credentials&client_id=%00&client_secret=x").await;
    }
    assert_eq!(host.questions(), 1);
}

#[tokio::test]
async fn issuing_goes_on_while_the_storage_is_broken_and_unknown_clients_get_503() {
    let host = Host::new(None).await;
    assert_eq!(host.post(&host.form).await.status(), 200);
    host.storage.broken.store(true, Ordering::SeqCst);
    assert_eq!(host.post(&host.form).await.status(), 200);
    let answer = host.post("grant_type=client_credentials&client_id=new&client_secret=x").await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()),
        (503, &b"2"[..])
    );
    assert!(!String::from_utf8_lossy(answer.body()).contains("/secret/path"));
}

#[tokio::test]
async fn a_change_is_seen_after_a_refresh_or_when_the_host_says_so() {
    let host = Host::new(None).await;
    host.issuer.refresh().await.unwrap();
    assert_eq!(host.post(&host.form).await.status(), 200);
    host.registrar
        .set_client_state(&Admin::program("test"), &host.id, ClientState::Revoked)
        .await
        .unwrap();
    assert_eq!(host.post(&host.form).await.status(), 200, "still cached");
    host.issuer.refresh().await.unwrap();
    assert_eq!(host.post(&host.form).await.status(), 401);
    host.registrar
        .set_client_state(&Admin::program("test"), &host.id, ClientState::Active)
        .await
        .unwrap();
    host.issuer.forget_clients();
    assert_eq!(host.post(&host.form).await.status(), 200);
    let before = host.questions();
    host.issuer.refresh().await.unwrap();
    host.issuer.refresh().await.unwrap();
    host.post(&host.form).await;
    assert_eq!(host.questions(), before + 1, "one change clears once");
}

#[tokio::test]
async fn a_client_that_wants_a_key_we_do_not_have_is_our_fault() {
    let host = Host::new(Some(Algorithm::Rs256)).await;
    let answer = host.post(&host.form).await;
    assert_eq!(answer.status(), 500);
    assert!(String::from_utf8_lossy(answer.body()).contains("server_error"));
}

#[tokio::test]
async fn a_refusal_tells_the_host_its_name_and_the_wire_nothing() {
    let host = Host::new(None).await;
    let answer = host.post(&format!("{}x", host.form)).await;
    let refused = answer.extensions().get::<grantd_core::Refused>().unwrap();
    assert_eq!(refused.refusal.name(), "client-secret-wrong");
    assert_eq!(refused.client.as_ref().map(ToString::to_string), Some(host.id.clone()));
    assert!(!String::from_utf8_lossy(answer.body()).contains("secret"));
}

#[test]
fn a_ring_needs_a_private_key_and_has_each_key_once() {
    assert!(KeyRing::new(vec![], &[]).unwrap_err().to_string().contains("grantd keys generate"));
    let key = SigningKey::generate(Algorithm::Rs256).unwrap();
    let text = key.to_pem().unwrap().reveal().to_owned();
    let twice = grantd_core::Secret::new(text.clone() + &text.replace("RS256", "PS256"));
    assert!(KeyRing::from_pem(&twice, None, None).unwrap_err().to_string().contains("twice"));
}

#[tokio::test]
async fn a_host_writes_usage_down_where_and_when_it_likes() {
    let host = Host::new(None).await;
    for _ in 0..3 {
        assert_eq!(host.post(&host.form).await.status(), 200);
    }
    let wrong = format!("grant_type=client_credentials&client_id={}&client_secret=x", host.id);
    assert_eq!(host.post(&wrong).await.status(), 401);
    assert_eq!(host.post("grant_type=client_credentials&client_id=nobody").await.status(), 401);
    let unwritten = host.issuer.drain_usage();
    host.issuer.put_back_usage(unwritten);
    host.storage.memory.record_usage(&host.issuer.drain_usage()).await.unwrap();
    assert!(host.issuer.drain_usage().is_empty());
    let totals = host.registrar.usage_totals(Hour::FIRST, Hour::LAST).await.unwrap();
    let issued: u64 =
        totals.iter().filter(|total| total.outcome == Outcome::ISSUED).map(|t| t.count).sum();
    assert_eq!((issued, totals.iter().map(|total| total.count).sum::<u64>()), (3, 4));
    let cache = host.issuer.cache_counts();
    assert_eq!((cache.hits, cache.misses, cache.absent, cache.clients), (3, 2, 0, 1));
}
