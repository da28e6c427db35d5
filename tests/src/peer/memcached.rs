//! memcached, asked by its text protocol.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::server::{Server, free_port};

/// A memcached that ends with the value.
#[derive(Debug)]
pub struct Memcached {
    /// Where it listens.
    pub port: u16,
    _server: Server,
}

impl Memcached {
    /// Starts it on a free port.
    #[track_caller]
    pub fn start() -> Self {
        let port = free_port();
        let mut command = Command::new("memcached");
        command.args([
            "-u",
            "nobody",
            "-l",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-m",
            "16",
        ]);
        Self {
            port,
            _server: Server::start(command, port),
        }
    }

    /// What is kept under a key.
    #[track_caller]
    pub fn get(&self, key: &str) -> Option<String> {
        let mut lines = self.say(&format!("get {key}"));
        let mut next = || {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        next().starts_with("VALUE").then(next)
    }

    /// Keeps a value.
    #[track_caller]
    pub fn set(&self, key: &str, value: &str) {
        let mut answer = String::new();
        let length = value.len();
        let mut lines = self.say(&format!("set {key} 0 60 {length}\r\n{value}"));
        lines.read_line(&mut answer).unwrap();
        assert_eq!(answer, "STORED\r\n");
    }

    fn say(&self, line: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        BufReader::new(stream)
    }
}
