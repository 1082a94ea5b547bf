//! grantd's storage port on a real database: SQLite or PostgreSQL.

mod backup;
mod location;
mod migrations;
mod moving;
mod pattern;
mod postgres;
mod sqlite;

pub use backup::{BackedUp, BackupError, Existing, GivenOut, Restored, Restoring};
pub use location::{Condition, Location, LocationError, Storage};
pub use moving::{MoveError, Moved, move_everything};
pub use postgres::{Address, AddressError, Postgres};
pub use sqlite::{Sqlite, back_up, restore};
