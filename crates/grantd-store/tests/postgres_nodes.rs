//! What PostgreSQL alone must keep: several nodes at once, schemas of other builds, TLS, cut connections.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]

use std::{sync::Arc, time::Duration};

use grantd_core::Timestamp;
use grantd_issuer::{Admin, Clients, PermissionEntry, Registrar, Registry, audit::AuditQuery};
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

/// As often as there are dead connections in the pool at most.
async fn create_again(store: &Arc<Postgres>, name: &str) {
    for _ in 0..16 {
        if create(store, name).await.is_ok() {
            return;
        }
    }
    create(store, name).await.unwrap();
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
    // What was in the pool is dead, and noticed so.
    create_again(&there, "two").await;
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
        assert!(error.contains("55P03") || error.contains("no answer in time"), "{error}");
    }
    database.cut_connections();
    holder.wait().unwrap();
    create_again(&store, "early").await;
}
