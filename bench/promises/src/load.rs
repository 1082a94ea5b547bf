//! Requests for tokens by many clients in turn, over connections that are kept.

use std::{cell::Cell, rc::Rc, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use tokio::{task::LocalSet, time::sleep};

use crate::{http::Connection, server::Server};

const CONNECTIONS: usize = 32;
/// After so long the server has written down what it counted.
const SETTLED: Duration = Duration::from_secs(3);

/// So many tokens; the clients take turns. Gives the server's processor seconds for a thousand
/// tokens, the writing down of what was counted among them.
pub(crate) async fn cost(
    server: &Server,
    requests: &Arc<Vec<Vec<u8>>>,
    tokens: usize,
) -> Result<f64> {
    let before = server.cpu_seconds()?;
    issue(server, requests, tokens).await?;
    sleep(SETTLED).await;
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let thousands = tokens as f64 / 1000.0;
    Ok((server.cpu_seconds()? - before) / thousands)
}

/// So many tokens, every one looked at; the clients take turns.
pub(crate) async fn issue(
    server: &Server,
    requests: &Arc<Vec<Vec<u8>>>,
    tokens: usize,
) -> Result<()> {
    let next = Rc::new(Cell::new(0));
    let here = LocalSet::new();
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (next, requests) = (Rc::clone(&next), Arc::clone(requests));
            let address = server.address.clone();
            here.spawn_local(async move {
                let mut connection = Connection::open(&address).await?;
                while next.get() < tokens {
                    let request = &requests[next.replace(next.get() + 1) % requests.len()];
                    let answer = connection.ask(request).await?;
                    let told = answer.body;
                    let is_token = told.starts_with(b"{\"access_token\":\"");
                    ensure!(
                        answer.status == 200 && is_token,
                        "no token: {}",
                        String::from_utf8_lossy(told)
                    );
                }
                Ok(())
            })
        })
        .collect();
    here.await;
    for connection in connections {
        connection.await??;
    }
    Ok(())
}
