//! What PostgreSQL alone must keep: several nodes at once, schemas of other builds, TLS, cut connections.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]

use std::{sync::Arc, time::Duration};

use grantd_core::{SecretKey, Timestamp};
use grantd_issuer::{
    Admin, Clients, NewClient, PermissionEntry, Registrar, Registry, audit::AuditQuery,
};
use grantd_store::{Address, Postgres};
use grantd_test_postgres::{Database, database};

async fn open(url: &str) -> Result<Postgres, String> {
    let address = Address::parse(url).map_err(|error| error.to_string())?;
    Postgres::open(&address).await.map_err(|fault| fault.to_string())
}

async fn node(database: &Database) -> Arc<Postgres> {
    Arc::new(open(&database.url()).await.unwrap())
}

async fn create(store: &Arc<Postgres>, name: &str) -> Result<(), String> {
    let api = "default".to_owned();
    let entry = PermissionEntry { name: name.parse().unwrap(), api, description: String::new() };
    let registrar = Registrar::new(Arc::clone(store) as Arc<dyn Registry>);
    let made = registrar.create_permission(&Admin::program("test"), &entry).await;
    made.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_migrate_once() {
    let Some(database) = database() else { return };
    let url = database.url();
    let starts = (0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { open(&url).await.map(drop) })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap();
    }
    assert_eq!(database.sql("SELECT count(*) = max(number) FROM _migrations").trim(), "t");
}

#[tokio::test]
async fn a_newer_schema_and_one_of_another_build_are_refused() {
    let Some(database) = database() else { return };
    let address = Address::parse(&database.url()).unwrap();
    let empty = Postgres::open_unchanged(&address).await.unwrap_err().to_string();
    assert!(empty.contains("run `grantd migrate`"), "{empty}");
    assert_eq!(database.sql("SELECT to_regclass('_migrations') IS NULL").trim(), "t");
    node(&database).await;
    Postgres::open_unchanged(&address).await.unwrap();
    database
        .sql("INSERT INTO _migrations (number, name, checksum) VALUES (999, 'future', '\\x00')");
    let newer = open(&database.url()).await.unwrap_err();
    assert!(newer.contains("start a newer grantd"), "{newer}");
    database.sql("DELETE FROM _migrations WHERE number = 999");
    database.sql("UPDATE _migrations SET checksum = '\\x00' WHERE number = 2");
    let other = open(&database.url()).await.unwrap_err();
    assert!(other.contains("0002_changes") && other.contains("another build"), "{other}");
}

/// Whoever follows the log by its numbers must never be overtaken by a change that commits later.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_appear_in_the_order_of_their_numbers_whichever_node_makes_them() {
    let Some(database) = database() else { return };
    let nodes = [node(&database).await, node(&database).await];
    let writers = (0..4).map(|writer: usize| {
        let node = Arc::clone(&nodes[writer % 2]);
        tokio::spawn(async move {
            for at in 0..15 {
                create(&node, &format!("p{writer}.{at}")).await.unwrap();
                let stamp = Timestamp::from_seconds(1);
                let token = grantd_core::TokenId::mint(
                    stamp,
                    [u8::try_from(writer * 16 + at).unwrap(); 10],
                );
                grantd_issuer::Tokens::revoke_token(&*node, token, stamp, stamp).await.unwrap();
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let (mut seen, mut followed) = (0, 0);
    while seen < 120 {
        let is_over = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let entries = nodes[0].changes(seen, 500).await.unwrap().unwrap();
        // Of the catalog only the newest entry stays; those of tokens all do, and are all met.
        followed += entries.iter().filter(|entry| entry.kind == "token").count();
        seen = entries.last().map_or(seen, |entry| entry.seq);
        tokio::time::sleep(Duration::from_millis(1)).await;
        if is_over && entries.is_empty() {
            break;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!((seen, nodes[1].revision().await.unwrap()), (120, 120));
    let registrar = Registrar::new(Arc::clone(&nodes[1]) as Arc<dyn Registry>);
    assert_eq!(registrar.verify_audit().await.unwrap().length(), 60);
    assert_eq!(followed, 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_hears_of_another_s_change_and_again_after_its_connection_was_cut() {
    let Some(database) = database() else { return };
    let (here, there) = (node(&database).await, node(&database).await);
    let heard = async |what: &str| {
        let waited = tokio::time::timeout(Duration::from_secs(10), here.changed()).await;
        assert!(waited.is_ok(), "{what}");
    };
    heard("that it listens").await;
    create(&there, "one").await.unwrap();
    heard("a change").await;
    database.cut_connections();
    heard("that it listens again").await;
    create(&there, "two").await.unwrap();
    heard("a change after the cut").await;
    assert_eq!(here.revision().await.unwrap(), 2);
}

#[tokio::test]
async fn tls_is_as_strict_as_sslmode_says() {
    let Some(database) = database() else { return };
    let encrypted = || {
        let name = database.name();
        let count = format!(
            "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE ssl AND datname = '{name}' AND application_name = 'grantd'"
        );
        database.sql(&count).trim() != "0"
    };
    let (here, named) = (database.tcp_url(), database.tcp_url().replace("127.0.0.1", "localhost"));
    let roots = format!("&sslrootcert={}", database.authority().display());
    for (url, tls) in [
        (format!("{here}?sslmode=disable"), false),
        (format!("{here}?sslmode=prefer"), true),
        (format!("{here}?sslmode=require"), true),
        (format!("{here}?sslmode=verify-ca{roots}"), true),
        (format!("{named}?sslmode=verify-full{roots}"), true),
    ] {
        let store = open(&url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(encrypted(), tls, "{url}");
        drop(store);
        while encrypted() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    for url in [
        format!("{here}?sslmode=verify-full{roots}"),
        format!("{named}?sslmode=verify-full"),
        format!("{named}?sslmode=verify-ca"),
    ] {
        let error = open(&url).await.unwrap_err();
        assert!(error.contains("certificate"), "{url}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_that_wait_too_long_are_told_and_hold_no_reader_up() {
    let Some(database) = database() else { return };
    let store = node(&database).await;
    // Somebody holds the lock for longer than anybody should wait.
    let hold = "SELECT pg_advisory_lock(7454127460278599681), pg_sleep(60)";
    let mut holder = database.start_sql(hold);
    tokio::time::sleep(Duration::from_millis(700)).await;
    let writers = (0..40).map(|at| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { create(&store, &format!("late{at}")).await })
    });
    let writers: Vec<_> = writers.collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let query = AuditQuery { limit: 1, ..AuditQuery::default() };
    let read = tokio::time::timeout(Duration::from_secs(2), store.audit(&query)).await;
    assert!(read.unwrap().unwrap().is_empty());
    for writer in writers {
        let error = writer.await.unwrap().unwrap_err();
        assert!(error.contains("55P03") || error.contains("more changes wait"), "{error}");
    }
    database.cut_connections();
    holder.wait().unwrap();
    create(&store, "early").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cut_that_nobody_noticed_fails_no_call_and_makes_none_twice() {
    let Some(database) = database() else { return };
    let store = node(&database).await;
    for round in 0..5 {
        let all_at_once = |what: &'static str| {
            let calls = (0..24).map(|at| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    if at % 3 == 0 {
                        create(&store, &format!("{what}{round}.{at}")).await
                    } else {
                        store.client("nobody").await.map(drop).map_err(|fault| fault.to_string())
                    }
                })
            });
            calls.collect::<Vec<_>>()
        };
        // So that the pool is full of connections that idle.
        for call in all_at_once("before") {
            call.await.unwrap().unwrap();
        }
        database.cut_connections();
        for call in all_at_once("after") {
            call.await.unwrap().unwrap();
        }
    }
    assert_eq!(store.permissions().await.unwrap().len(), 80);
    assert_eq!(store.audit_length().await.unwrap(), 80);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_takes_connections_and_says_nothing_does_not_hide_the_next_one() {
    let Some(database) = database() else { return };
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = database.tcp_url();
    let hosts = format!("127.0.0.1:{},127.0.0.1:", mute.local_addr().unwrap().port());
    let url = format!("{}?connect_timeout=1", url.replace("127.0.0.1:", &hosts));
    let begun = tokio::time::Instant::now();
    let store = Arc::new(open(&url).await.unwrap());
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    // From now on the one that answered is asked first.
    database.cut_connections();
    let begun = tokio::time::Instant::now();
    create(&store, "quick").await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_nothing_answers_one_call_waits_and_all_others_fail_at_once() {
    let Some(server) = grantd_test_postgres::server() else { return };
    let store = Arc::new(open(&server.url()).await.unwrap());
    server.freeze();
    let first = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.revision().await.map_err(|fault| fault.to_string()) }
    });
    let error = first.await.unwrap().unwrap_err();
    assert!(error.contains("no answer in time"), "{error}");
    let scout = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.revision().await.is_ok() }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = tokio::time::Instant::now();
    for at in 0..4_000 {
        assert!(store.client(&format!("c{at}")).await.is_err());
    }
    assert!(create(&store, "a").await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    server.thaw();
    assert!(scout.await.unwrap(), "it waited for the answer, which came");
    create(&store, "a").await.unwrap();
}

/// The log says so of clients that a restored backup did not know, and moves with the rest to PostgreSQL.
#[tokio::test]
async fn a_client_begins_behind_what_is_dead_of_its_id() {
    let Some(database) = database() else { return };
    let node = node(&database).await;
    database.sql(
        "UPDATE counters SET value = 1 WHERE name = 'change_seq';
         INSERT INTO change_log (seq, kind, id, generation, until) VALUES (1, 'client', 'orders', 7, 9000000000000000)",
    );
    let registrar = Registrar::new(Arc::clone(&node) as Arc<dyn Registry>);
    for (id, generation) in [("orders", 7), ("others", 1)] {
        let new = NewClient {
            id: Some(id.parse().unwrap()),
            name: "A".to_owned(),
            ..NewClient::default()
        };
        let hasher = SecretKey::from_bytes([5; 32]).secret_hasher();
        let made = registrar.create_client(&Admin::program("test"), new, &hasher).await.unwrap();
        let stored = node.client(id).await.unwrap().unwrap();
        assert_eq!((made.client.generation, stored.generation), (generation, generation));
    }
    let entries = node.changes(0, 10).await.unwrap().unwrap();
    let entry = entries.iter().find(|entry| entry.id == "orders").unwrap();
    assert_eq!((entry.generation, entry.seq), (Some(7), 2));
}
