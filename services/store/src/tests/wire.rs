//! The client's end of a connection.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    pub(super) async fn say(&mut self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes()).await;
    }

    pub(super) async fn send(&mut self, octets: &[u8]) {
        self.0.write_all(octets).await.unwrap();
    }

    /// The next line, without its CRLF.
    pub(super) async fn line(&mut self) -> String {
        let mut line = Vec::new();
        let reading = self.0.read_until(b'\n', &mut line);
        timeout(PATIENCE, reading)
            .await
            .expect("an answer")
            .unwrap();
        assert!(!line.is_empty(), "the end instead of a line");
        let line = String::from_utf8(line).unwrap();
        line.trim_end_matches("\r\n").to_owned()
    }

    /// The next line, which begins so.
    #[track_caller]
    pub(super) fn expect(&mut self, start: &str) -> impl Future<Output = String> {
        let at = std::panic::Location::caller();
        async move {
            let line = self.line().await;
            assert!(
                line.starts_with(start),
                "{at}: \"{line}\" instead of \"{start}\""
            );
            line
        }
    }

    /// The lines before the one that begins so, and that one.
    pub(super) async fn until(&mut self, start: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            let found = line.starts_with(start);
            lines.push(line);
            if found {
                return lines;
            }
        }
    }

    /// Everything before the line that begins so, whatever octets it has.
    pub(super) async fn octets_until(&mut self, start: &str) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let before = all.len();
            let reading = self.0.read_until(b'\n', &mut all);
            let read = timeout(PATIENCE, reading)
                .await
                .expect("an answer")
                .unwrap();
            assert_ne!(read, 0, "the end instead of \"{start}\"");
            if all[before..].starts_with(start.as_bytes()) {
                all.truncate(before);
                return all;
            }
        }
    }

    /// The literal that the next line announces.
    pub(super) async fn literal(&mut self) -> String {
        let line = self.line().await;
        let count = line
            .rsplit('{')
            .next()
            .and_then(|rest| rest.strip_suffix('}'));
        let count: usize = count.expect(&line).parse().unwrap();
        let mut octets = vec![0; count];
        timeout(PATIENCE, self.0.read_exact(&mut octets))
            .await
            .expect("a literal")
            .unwrap();
        String::from_utf8(octets).unwrap()
    }

    /// Everything to the end of the connection.
    pub(super) async fn rest(&mut self) -> String {
        let mut rest = String::new();
        timeout(PATIENCE, self.0.read_to_string(&mut rest))
            .await
            .expect("the end")
            .unwrap();
        rest
    }
}
