//! Postfix's smtp-sink: takes what it is given, counts it, and forgets it.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::child::{Child, free_port, local};

/// A running smtp-sink that speaks LMTP.
#[derive(Debug)]
pub(crate) struct Sink {
    port: u16,
    messages: Arc<AtomicU64>,
    _child: Child,
}

impl Sink {
    /// Starts it.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("/usr/sbin/smtp-sink");
        command
            .args([
                "-u",
                "nobody",
                "-L",
                "-c",
                &format!("127.0.0.1:{port}"),
                "1000",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = Child::spawn(command, "smtp-sink")?;
        let output = child.process().stdout.take();
        let mut output = output.context("smtp-sink has no output")?;
        let messages = Arc::new(AtomicU64::new(0));
        let counted = messages.clone();
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let mut some = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut some) {
                text.extend_from_slice(some.get(..count).unwrap_or_default());
                if let Some(number) = newest(&text) {
                    counted.store(number, Ordering::Relaxed);
                }
                let kept = text.len().saturating_sub(200);
                text.drain(..kept);
            }
        });
        let began = Instant::now();
        while TcpStream::connect(local(port)).is_err() {
            ensure!(
                began.elapsed() < Duration::from_secs(10),
                "smtp-sink does not listen"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            port,
            messages,
            _child: child,
        })
    }

    /// Where LMTP is spoken.
    pub(crate) fn lmtp(&self) -> SocketAddr {
        local(self.port)
    }

    /// Messages that it has taken so far.
    pub(crate) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }
}

/// The count in the last whole `sess=… quit=… mesg=…` of its output.
fn newest(text: &[u8]) -> Option<u64> {
    let end = text
        .iter()
        .rposition(|octet| *octet == b'\r' || *octet == b'\n')?;
    let text = String::from_utf8_lossy(text.get(..end)?);
    let (_, last) = text.rsplit_once("mesg=")?;
    let digits: String = last.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
