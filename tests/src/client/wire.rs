//! Lines over a socket, for what no foreign client can be made to do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// A connection in the clear.
#[derive(Debug)]
pub struct Wire {
    stream: BufReader<TcpStream>,
}

impl Wire {
    /// Connects.
    #[track_caller]
    pub fn connect(host: &str, port: u16) -> Self {
        let stream = TcpStream::connect((host, port))
            .unwrap_or_else(|error| panic!("cannot connect to {host}:{port}: {error}"));
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// An IMAP session that has logged in.
    #[track_caller]
    pub fn imap(host: &str, port: u16, account: &str, password: &str) -> Self {
        let mut wire = Self::connect(host, port);
        wire.say(&format!("in LOGIN {account} \"{password}\""));
        let answer = wire.until("in ");
        assert!(answer.ends_with(" Logged in"), "{answer}");
        wire
    }

    /// Says a line.
    #[track_caller]
    pub fn say(&mut self, line: &str) {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    /// Says a line as far as the other side takes it.
    pub fn flood(&mut self, line: &str) {
        let stream = self.stream.get_mut();
        // Whoever has heard enough hangs up, which is what is asked for.
        let _taken = stream.write_all(format!("{line}\r\n").as_bytes());
    }

    /// The next line, without its end; nothing at the end of the connection.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
        }
    }

    /// Everything up to and with the line that begins so.
    #[track_caller]
    pub fn until(&mut self, prefix: &str) -> String {
        let mut lines: Vec<String> = Vec::new();
        loop {
            match self.line() {
                Some(line) => lines.push(line),
                None => panic!("no {prefix:?} after {lines:#?}"),
            }
            if lines.last().is_some_and(|line| line.starts_with(prefix)) {
                return lines.join("\n");
            }
        }
    }

    /// Everything up to the end of the connection, however it ends.
    pub fn rest(mut self) -> String {
        let mut rest = Vec::new();
        // A connection that is reset has ended as well.
        let _ended = self.stream.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }
}
