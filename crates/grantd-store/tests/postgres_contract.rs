//! The storage contract, kept by PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]

use grantd_store::{Address, Postgres};
use grantd_test_postgres::Database;

async fn open(database: Database) -> (Postgres, Database) {
    let address = Address::parse(&database.url()).unwrap();
    (Postgres::open(&address).await.unwrap(), database)
}

grantd_issuer::storage_contract!(match grantd_test_postgres::database() {
    Some(database) => open(database),
    None => return,
});

grantd_issuer::tokens_contract!(match grantd_test_postgres::database() {
    Some(database) => open(database),
    None => return,
});
