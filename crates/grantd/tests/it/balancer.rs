//! A plain TCP balancer: in turn to each node, the next one where nobody listens.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

/// How it learns that a node goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// By asking for `/readyz` ten times a second, as HAProxy's `option httpchk` does.
    Asked,
    /// Only by a connection that is refused.
    Refused,
}

/// Balances until it is dropped.
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    nodes: Arc<Nodes>,
    runtime: Runtime,
}

#[derive(Default)]
struct Nodes {
    /// In the order in which they were added: address, and whether it takes connections.
    list: std::sync::RwLock<Vec<(SocketAddr, AtomicBool)>>,
    turn: AtomicUsize,
}

impl Balancer {
    /// One without a node.
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let nodes = Arc::new(Nodes::default());
        let known = Arc::clone(&nodes);
        runtime.spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(client, known.turn()));
            }
        });
        Self { address, nodes, runtime }
    }

    /// Takes in a node, as one that is up.
    pub(crate) fn add(&self, node: SocketAddr, health: Health) {
        let mut list = self.nodes.list.write().unwrap();
        let at = list.len();
        list.push((node, AtomicBool::new(true)));
        if health == Health::Asked {
            let nodes = Arc::clone(&self.nodes);
            self.runtime.spawn(async move {
                loop {
                    let ready = tokio::time::timeout(Duration::from_secs(1), is_ready(node)).await;
                    nodes.list.read().unwrap()[at].1.store(ready == Ok(true), Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
        }
    }

    /// Waits until it takes this node for one that is up.
    pub(crate) fn finds(&self, node: SocketAddr) {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !self.nodes.up().contains(&node) {
            assert!(std::time::Instant::now() < deadline, "{node} is not found ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Nodes {
    /// The nodes to try, in the order of this turn.
    fn turn(&self) -> Vec<SocketAddr> {
        let mut up = self.up();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let by = turn % up.len().max(1);
        up.rotate_left(by);
        up
    }

    fn up(&self) -> Vec<SocketAddr> {
        let list = self.list.read().unwrap();
        list.iter().filter(|node| node.1.load(Ordering::Relaxed)).map(|node| node.0).collect()
    }
}

async fn carry(mut client: TcpStream, nodes: Vec<SocketAddr>) {
    let _ = client.set_nodelay(true);
    for node in nodes {
        if let Ok(mut server) = TcpStream::connect(node).await {
            let _ = server.set_nodelay(true);
            let _ = copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
}

async fn is_ready(node: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(node).await else { return false };
    let asked = b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut answer = Vec::new();
    stream.write_all(asked).await.is_ok()
        && stream.read_to_end(&mut answer).await.is_ok()
        && answer.starts_with(b"HTTP/1.1 200")
}
