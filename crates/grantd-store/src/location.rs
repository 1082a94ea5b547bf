//! Which database, by its URL.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use grantd_core::Timestamp;
use grantd_issuer::{Registry, StorageFault, Tokens};

use crate::{Address, AddressError, Postgres, Sqlite, postgres, sqlite};

/// All that grantd asks of a database.
pub trait Storage: Registry + Tokens {}
impl<S: Registry + Tokens> Storage for S {}

/// What an engine says of a database, whatever is in it.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// What is broken, in the engine's words; PostgreSQL is not asked.
    pub damage: Option<String>,
    /// The time by the clock of the machine that it is on, if that is another one.
    pub clock: Option<Timestamp>,
}

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Location {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// A server.
    Postgres(Box<Address>),
}

impl Location {
    /// Opens the database and brings its schema up to date.
    pub async fn open(&self) -> Result<Arc<dyn Storage>, StorageFault> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(Sqlite::open(path)?),
            Self::Postgres(address) => Arc::new(Postgres::open(address).await?),
        })
    }

    /// Asks the engine, and changes nothing; `None`: there is no database.
    pub async fn condition(&self) -> Result<Option<Condition>, StorageFault> {
        match self {
            Self::Sqlite(path) if !path.exists() => Ok(None),
            Self::Sqlite(path) => {
                sqlite::damage(path).map(|damage| Some(Condition { damage, clock: None }))
            }
            Self::Postgres(address) => {
                let clock = Some(postgres::clock(address).await?);
                Ok(Some(Condition { damage: None, clock }))
            }
        }
    }

    /// Opens the database and leaves it as it is; `None`: there is none. One whose schema is not this
    /// binary's is refused.
    pub async fn open_unchanged(&self) -> Result<Option<Arc<dyn Storage>>, StorageFault> {
        Ok(match self {
            Self::Sqlite(path) => {
                Sqlite::open_unchanged(path)?.map(|store| Arc::new(store) as Arc<dyn Storage>)
            }
            Self::Postgres(address) => Some(Arc::new(Postgres::open_unchanged(address).await?)),
        })
    }
}

/// Why a URL leads to no database. It repeats no part of it, as that may be a password.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// It is neither a file nor a server.
    #[error(
        "write sqlite://FILE, like sqlite://grantd.db or sqlite:///var/lib/grantd/grantd.db, or \
         postgres://USER@HOST/DATABASE"
    )]
    Unknown,
    /// The server's address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(url: &str) -> Result<Self, LocationError> {
        if Address::is_meant(url) {
            return Ok(Self::Postgres(Box::new(Address::parse(url)?)));
        }
        match url.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() && !path.starts_with(':') && !path.contains('?') => {
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            _ => Err(LocationError::Unknown),
        }
    }
}

impl fmt::Display for Location {
    /// As operators know it, without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_a_file_or_to_a_server_and_never_shows_a_password() {
        for (url, shown) in [
            ("sqlite://grantd.db", "grantd.db"),
            ("sqlite:///var/lib/g.db", "/var/lib/g.db"),
            ("postgres://u:SECRET@db.example:5433/grantd", "postgres://db.example/grantd"),
            ("postgresql://u@%2Frun%2Fpostgresql", "postgres:///run/postgresql/u"),
        ] {
            assert_eq!(url.parse::<Location>().unwrap().to_string(), shown);
        }
        for url in ["", "grantd.db", "sqlite://", "sqlite://:memory:", "mysql://u:SECRET@h/d"] {
            let error = url.parse::<Location>().unwrap_err().to_string();
            assert!(error.contains("sqlite://FILE") && !error.contains("SECRET"), "{error}");
        }
    }
}
