//! A client that says what it likes: octets over TCP, from any of this machine's addresses.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

/// How long a server may take to say something.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection in clear.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Wire {
    /// Connects to a port of this machine.
    #[track_caller]
    pub fn open(port: u16) -> Self {
        Self::open_from(Ipv4Addr::LOCALHOST, port)
    }

    /// Connects from one of the addresses 127.0.0.0/8, all of which are this machine's.
    #[track_caller]
    pub fn open_from(source: Ipv4Addr, port: u16) -> Self {
        let connected = connect(source, port);
        let stream =
            connected.unwrap_or_else(|error| panic!("cannot connect to port {port}: {error}"));
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            heard: Vec::new(),
        }
    }

    /// A second hold on the same connection, for another thread; it hears what this one has not.
    #[must_use]
    pub fn again(&mut self) -> Self {
        Self {
            stream: self.stream.try_clone().unwrap(),
            heard: std::mem::take(&mut self.heard),
        }
    }

    /// Sends octets; false where the server has closed the connection.
    pub fn send(&mut self, octets: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(octets.as_ref()).is_ok()
    }

    /// Sends so many octets `x` as long as the server takes them; how many it took.
    pub fn flood(&mut self, octets: usize) -> usize {
        let block = vec![b'x'; 256 << 10];
        let mut sent = 0;
        while sent < octets {
            match self.stream.write(&block) {
                Ok(0) | Err(_) => break,
                Ok(count) => sent += count,
            }
        }
        sent
    }

    /// How long a write waits from now on for a server that does not read.
    pub fn write_patience(&self, patience: Duration) {
        self.stream.set_write_timeout(Some(patience)).unwrap();
    }

    /// The next line without its end; nothing where the server has closed.
    #[track_caller]
    pub fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.heard.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                return Some(line.trim_end_matches(['\r', '\n']).to_owned());
            }
            if !self.hear() {
                return None;
            }
        }
    }

    /// Reads up to the line that begins so, and yields all lines; panics if none comes.
    #[track_caller]
    pub fn until(&mut self, start: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.line() {
                Some(line) => lines.push(line),
                None => panic!("the server closed before {start:?}: {lines:?}"),
            }
            if lines.last().unwrap().starts_with(start) {
                return lines;
            }
        }
    }

    /// Sends a line and reads up to the answer that begins so.
    #[track_caller]
    pub fn ask(&mut self, line: &str, start: &str) -> Vec<String> {
        self.send(format!("{line}\r\n"));
        self.until(start)
    }

    /// The next reply of SMTP: all its lines.
    #[track_caller]
    pub fn reply(&mut self) -> String {
        let mut lines = Vec::new();
        loop {
            let Some(line) = self.line() else {
                panic!("the server closed within a reply: {lines:?}");
            };
            let more = line.as_bytes().get(3) == Some(&b'-');
            lines.push(line);
            if !more {
                return lines.join("\n");
            }
        }
    }

    /// Sends a command of SMTP and reads its reply.
    #[track_caller]
    pub fn smtp(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n"));
        self.reply()
    }

    /// So many octets that the server says; fewer where it closes.
    pub fn octets(&mut self, count: usize) -> Vec<u8> {
        while self.heard.len() < count && self.hear() {}
        let count = count.min(self.heard.len());
        self.heard.drain(..count).collect()
    }

    /// Says that nothing more will be sent.
    pub fn half_close(&self) {
        // A server that has closed already knows.
        drop(self.stream.shutdown(std::net::Shutdown::Write));
    }

    /// Everything until the server closes.
    pub fn rest(&mut self) -> String {
        while self.hear() {}
        String::from_utf8_lossy(&std::mem::take(&mut self.heard)).into_owned()
    }

    /// Waits until the server closes, however it does; panics if it does not within `limit`.
    #[track_caller]
    pub fn closes_within(&mut self, limit: Duration) {
        self.stream.set_read_timeout(Some(limit)).unwrap();
        while self.hear() {}
    }

    #[track_caller]
    fn hear(&mut self) -> bool {
        let mut octets = [0; 16 << 10];
        match self.stream.read(&mut octets) {
            Ok(0) => false,
            Ok(count) => {
                self.heard.extend_from_slice(&octets[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let from = self.heard.len().saturating_sub(400);
                let heard = String::from_utf8_lossy(&self.heard[from..]);
                panic!("the server is silent; before that it said … {heard:?}")
            }
            Err(_) => false,
        }
    }
}

fn connect(source: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let at = |address, port| SockAddr::from(SocketAddrV4::new(address, port));
    socket.bind(&at(source, 0))?;
    socket.connect(&at(Ipv4Addr::LOCALHOST, port))?;
    Ok(socket.into())
}
