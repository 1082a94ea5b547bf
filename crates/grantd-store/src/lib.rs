//! grantd's storage port on a real database: SQLite or PostgreSQL.

mod location;
mod migrations;
mod moving;
mod pattern;
mod postgres;
mod sqlite;

pub use location::{Location, LocationError, Storage};
pub use moving::{MoveError, Moved, move_everything};
pub use postgres::{Address, AddressError, Postgres};
pub use sqlite::Sqlite;
