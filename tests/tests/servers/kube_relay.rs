//! What stands between a client and the API server in tests: a relay that can cut every connection, and two proxies.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use acceptance::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
};

/// How a client says where it wants to go.
#[derive(Clone, Copy)]
pub enum Kind {
    /// It does not: everything goes to one place.
    Plain,
    /// By HTTP `CONNECT`.
    Http,
    /// By SOCKS 5, without a password.
    Socks,
}

/// A running relay; ends when dropped.
pub struct Relay {
    pub address: SocketAddr,
    cut: Arc<Notify>,
    shut: Arc<AtomicBool>,
    _tasks: JoinSet<()>,
}

impl Relay {
    pub async fn start(kind: Kind, to: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.could_not("listen")?;
        let address = listener.local_addr().could_not("listen")?;
        let (cut, shut) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let to = to.trim_start_matches("https://").to_owned();
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let (cut, shut) = (Arc::clone(&cut), Arc::clone(&shut));
            async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    if shut.load(Ordering::Relaxed) {
                        continue;
                    }
                    let (cut, to) = (Arc::clone(&cut), to.clone());
                    connections.spawn(async move {
                        tokio::select! {
                            _ = relay(kind, stream, &to) => {}
                            () = cut.notified() => {}
                        }
                    });
                }
            }
        });
        Ok(Self { address, cut, shut, _tasks: tasks })
    }

    /// Cuts all connections; new ones are let through.
    pub fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// Cuts all connections, and lets no new ones through until it is opened again.
    pub fn shut(&self, shut: bool) {
        self.shut.store(shut, Ordering::Relaxed);
        self.cut();
    }
}

async fn relay(kind: Kind, mut client: TcpStream, to: &str) -> std::io::Result<()> {
    match kind {
        Kind::Plain => {}
        Kind::Http => {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await?);
            }
            if !head.starts_with(format!("CONNECT {to} ").as_bytes()) {
                return client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
            }
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        }
        Kind::Socks => {
            // Version, methods; then version, connect, the address of four bytes and the port.
            let mut hello = [0; 2];
            client.read_exact(&mut hello).await?;
            client.read_exact(&mut vec![0; usize::from(hello[1])]).await?;
            client.write_all(&[5, 0]).await?;
            let mut asked = [0; 10];
            client.read_exact(&mut asked).await?;
            client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
        }
    }
    let mut server = TcpStream::connect(to).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
