//! The storage contract, kept by SQLite.

use grantd_store::Sqlite;

grantd_issuer::storage_contract!(async {
    let folder = tempfile::tempdir().unwrap();
    (Sqlite::open(&folder.path().join("grantd.db")).unwrap(), folder)
});

grantd_issuer::tokens_contract!(async {
    let folder = tempfile::tempdir().unwrap();
    (Sqlite::open(&folder.path().join("grantd.db")).unwrap(), folder)
});
