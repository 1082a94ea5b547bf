//! Hears of other nodes' changes by NOTIFY: a wake-up call, never the truth.

use std::{future::poll_fn, sync::Arc, time::Duration};

use grantd_issuer::StorageFault;
use tokio::{sync::Notify, task::JoinHandle};
use tokio_postgres::AsyncMessage;

use super::{
    dial::Dial,
    link::{ANSWER, Missed, in_time},
    statements as sql,
};

/// How long after a connection has ended the next one is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens until it is aborted, on a connection of its own that is made again when it ends. Whoever
/// looks for changes looks all the same from time to time: behind a pooler nothing may be heard.
pub(super) fn start(dial: Dial, heard: Arc<Notify>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut was_told = false;
        loop {
            if let Err(fault) = listen(&dial, &heard, &mut was_told).await
                && !std::mem::replace(&mut was_told, true)
            {
                let fault: &dyn std::error::Error = &fault;
                tracing::warn!(fault, "changes by other nodes are noticed by looking alone");
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

async fn listen(dial: &Dial, heard: &Notify, was_told: &mut bool) -> Result<(), StorageFault> {
    let (client, mut connection) = in_time(ANSWER, dial.connect()).await.map_err(Missed::fault)?;
    let hearing = async {
        while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
            if matches!(message.map_err(fault)?, AsyncMessage::Notification(_)) {
                heard.notify_one();
            }
        }
        Err::<(), _>(StorageFault::plain("PostgreSQL: the connection has ended"))
    };
    let asking = async {
        let command = format!("LISTEN {}", sql::CHANNEL);
        in_time(ANSWER, client.batch_execute(&command)).await.map_err(Missed::fault)?;
        *was_told = false;
        // What was changed meanwhile was told to nobody.
        heard.notify_one();
        Ok(())
    };
    futures_util::future::try_join(hearing, asking).await.map(drop)
}

fn fault(error: tokio_postgres::Error) -> StorageFault {
    Missed::Failed(error).fault()
}
