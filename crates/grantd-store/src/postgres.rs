//! PostgreSQL: one database, several nodes.

mod address;
mod api_writes;
mod approval_writes;
mod approvals;
mod catalog;
mod client_writes;
mod clients;
mod dial;
mod held;
mod line;
mod link;
mod listen;
mod migrations;
mod parameters;
mod passkeys;
mod record;
mod registry;
mod rows;
mod sessions;
mod statements;
mod survey;
mod tls;
mod tokens;
mod usage;
mod user_writes;
mod users;
mod work;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use grantd_core::{Client, Timestamp};
use grantd_issuer::{Clients, StorageFault, change_log::ChangeEntry};
use tokio::{sync::Notify, task::JoinHandle};

pub use address::{Address, AddressError};
pub(crate) use held::Held;

use link::{Ask, Link};
use parameters::with;
use statements as sql;

/// The oldest server whose statements these are.
const OLDEST: u64 = 13;
/// How often a node looks for changes that it has not heard of.
const LOOK: Duration = Duration::from_millis(200);
/// How long the answer to such a look may take: whoever looks is the first to know that nothing comes.
const GLIMPSE: Duration = Duration::from_secs(3);

/// Storage in a PostgreSQL database. Opening it migrates it; what a call answers is on disk.
pub struct Postgres {
    link: Link,
    heard: Arc<Notify>,
    ear: OnceLock<JoinHandle<()>>,
}

impl Postgres {
    /// Connects, and brings the schema up to date.
    pub async fn open(address: &Address) -> Result<Self, StorageFault> {
        let store = Self::connect(address).await?;
        migrations::run(&store.link).await?;
        Ok(store)
    }

    /// Connects and leaves everything as it is; a schema that is not this binary's is refused.
    pub async fn open_unchanged(address: &Address) -> Result<Self, StorageFault> {
        let store = Self::connect(address).await?;
        migrations::check(&store.link).await?;
        Ok(store)
    }

    async fn connect(address: &Address) -> Result<Self, StorageFault> {
        let link = Link::new(address)?;
        let server = link.row(sql::SERVER, with![]).await?;
        let server = server.ok_or_else(|| StorageFault::plain("PostgreSQL: no row"))?;
        let version = rows::unsigned(&server, "version")? / 10_000;
        let encoding: &str = rows::value(&server, "encoding")?;
        if version < OLDEST {
            return Err(StorageFault::plain(format!(
                "PostgreSQL {version} is too old: {OLDEST} is the first that will do"
            )));
        }
        if encoding != "UTF8" {
            return Err(StorageFault::plain(format!(
                "the database is encoded in {encoding}: create one with ENCODING 'UTF8'"
            )));
        }
        let (heard, ear) = (Arc::default(), OnceLock::new());
        Ok(Self { link, heard, ear })
    }

    async fn counter(&self, name: &'static str) -> Result<u64, StorageFault> {
        let row =
            self.link.rows_within(GLIMPSE, sql::COUNTER, with![name]).await?.into_iter().next();
        let row = row.ok_or_else(|| StorageFault::plain("PostgreSQL: a counter is missing"))?;
        rows::unsigned(&row, "value")
    }
}

/// The time by the server's clock.
pub(crate) async fn clock(address: &Address) -> Result<Timestamp, StorageFault> {
    let store = Postgres::connect(address).await?;
    let row = store.link.row(sql::CLOCK, with![]).await?;
    let row = row.ok_or_else(|| StorageFault::plain("PostgreSQL: no row"))?;
    rows::value(&row, "now").map(Timestamp::from_micros)
}

#[async_trait]
impl Clients for Postgres {
    async fn client(&self, id: &str) -> Result<Option<Client>, StorageFault> {
        clients::client(&self.link, id).await
    }

    async fn revision(&self) -> Result<u64, StorageFault> {
        self.counter("change_seq").await
    }

    async fn changes(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Option<Vec<ChangeEntry>>, StorageFault> {
        let row = with![after.cast_signed(), i64::from(limit)];
        let found = self.link.rows(sql::CHANGES, row).await?;
        found.iter().map(rows::change).collect::<Result<_, _>>().map(Some)
    }

    async fn changed(&self) {
        self.ear.get_or_init(|| listen::start(self.link.dial(), Arc::clone(&self.heard)));
        self.heard.notified().await;
    }

    fn look_interval(&self) -> Duration {
        LOOK
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(ear) = self.ear.get() {
            ear.abort();
        }
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Postgres")
    }
}
