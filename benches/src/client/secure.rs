//! IMAP over TLS, as mail programs speak it: handshakes, logins, large messages.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustls::client::{ClientSessionMemoryCache, Resumption};
use rustls::pki_types::ServerName;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::idle::config;
use super::imap::Login;
use super::line::Line;

/// Octets read at a time from a large message.
const STRETCH: usize = 64 * 1024;

/// Whether handshakes are whole ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// Every one.
    Full,
    /// The first of a connection's loop only.
    Resumed,
}

/// What was done in some time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    /// How often, or how many octets.
    pub(crate) count: u64,
    /// In how long.
    pub(crate) took: Duration,
}

impl Done {
    /// So many a second.
    pub(crate) fn rate(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }
}

/// Logs in and out in so many closed loops for some time.
pub(crate) async fn log_in_and_out(
    login: &Login,
    users: usize,
    handshake: Handshake,
    loops: usize,
    window: Duration,
) -> anyhow::Result<Done> {
    let began = Instant::now();
    let mut running = JoinSet::new();
    for index in 0..loops {
        let (login, connector) = (login.clone(), connector(handshake)?);
        running.spawn(async move {
            let mut count = 0;
            while began.elapsed() < window {
                once(&login, &connector, (index + count as usize * loops) % users).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut done = Done::default();
    while let Some(count) = running.join_next().await {
        done.count += count??;
    }
    done.took = began.elapsed();
    Ok(done)
}

async fn once(login: &Login, connector: &TlsConnector, user: usize) -> anyhow::Result<()> {
    let mut line = open(login.to, connector).await?;
    line.send(login.command(user).as_bytes()).await?;
    line.tagged(b"l").await?;
    line.send(b"o LOGOUT\r\n").await?;
    line.tagged(b"o").await
}

/// Puts one message of `size` octets into a user's inbox.
pub(crate) async fn put_large(login: &Login, user: usize, size: usize) -> anyhow::Result<()> {
    let mut line = Line::connect(login.to).await?;
    line.tagged(b"*").await?;
    line.send(login.command(user).as_bytes()).await?;
    line.tagged(b"l").await?;
    let head = b"Subject: large\r\n\r\n";
    let row = format!("{}\r\n", "x".repeat(76));
    let mut message = head.to_vec();
    while message.len() < size {
        message.extend_from_slice(row.as_bytes());
    }
    let command = format!("a APPEND INBOX {{{}+}}\r\n", message.len());
    line.send(command.as_bytes()).await?;
    line.send(&message).await?;
    line.send(b"\r\n").await?;
    line.tagged(b"a").await
}

/// Fetches a user's first message again and again; counts octets.
pub(crate) async fn fetch_large(
    login: &Login,
    user: usize,
    window: Duration,
) -> anyhow::Result<Done> {
    let mut line = open(login.to, &connector(Handshake::Full)?).await?;
    line.send(login.command(user).as_bytes()).await?;
    line.tagged(b"l").await?;
    line.send(b"s SELECT INBOX\r\n").await?;
    line.tagged(b"s").await?;
    let mut stream = line.into_stream();
    let mut buffer = vec![0; STRETCH];
    let began = Instant::now();
    let mut count: u64 = 0;
    while began.elapsed() < window {
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"f FETCH 1 BODY.PEEK[]\r\n").await?;
        let mut tail = Vec::new();
        loop {
            let read = stream.read(&mut buffer).await.context("the message")?;
            ensure!(read > 0, "the server hung up in the middle of a message");
            count += read as u64;
            let kept = tail.len().min(64);
            tail.drain(..tail.len() - kept);
            tail.extend_from_slice(buffer.get(..read).unwrap_or_default());
            if tail.windows(5).any(|window| window == b"\nf OK") && tail.ends_with(b"\r\n") {
                break;
            }
        }
    }
    Ok(Done {
        count,
        took: began.elapsed(),
    })
}

async fn open(
    to: SocketAddr,
    connector: &TlsConnector,
) -> anyhow::Result<Line<tokio_rustls::client::TlsStream<TcpStream>>> {
    let stream = TcpStream::connect(to).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("localhost")?;
    let stream = connector.connect(name, stream).await?;
    let mut line = Line::over(stream);
    line.tagged(b"*").await?;
    Ok(line)
}

fn connector(handshake: Handshake) -> anyhow::Result<TlsConnector> {
    let mut config = config()?;
    if handshake == Handshake::Resumed {
        config.resumption = Resumption::store(Arc::new(ClientSessionMemoryCache::new(8)));
    }
    Ok(TlsConnector::from(Arc::new(config)))
}
