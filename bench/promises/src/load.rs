//! Requests for tokens by many clients in turn, over connections that are kept.

use std::{cell::Cell, rc::Rc, sync::Arc};

use anyhow::{Result, ensure};
use tokio::task::LocalSet;

use crate::{http::Connection, server::Server};

const CONNECTIONS: usize = 32;

/// So many tokens, every one looked at; clients and servers take turns.
pub(crate) async fn issue(
    servers: &[&Server],
    requests: &Arc<Vec<Vec<u8>>>,
    tokens: usize,
) -> Result<()> {
    let next = Rc::new(Cell::new(0));
    let here = LocalSet::new();
    let connections: Vec<_> = (0..CONNECTIONS)
        .zip(servers.iter().cycle())
        .map(|(_, server)| {
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
