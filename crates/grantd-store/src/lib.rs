//! grantd's storage port on a real database: SQLite.

mod sqlite;

pub use sqlite::Sqlite;
