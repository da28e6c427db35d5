//! The client's end of a line protocol, that notices when the server is gone.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The connection is gone, or nothing came in time: whatever was asked last is in doubt.
#[derive(Debug)]
pub struct Lost(pub String);

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// A connection that speaks lines.
#[derive(Debug)]
pub struct Lines {
    stream: BufReader<TcpStream>,
}

impl Lines {
    /// Connects; no answer may take longer than `patience`.
    pub fn connect(port: u16, patience: Duration) -> Result<Self, Lost> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends octets as they are.
    pub fn send(&mut self, octets: &[u8]) -> Result<(), Lost> {
        Ok(self.stream.get_mut().write_all(octets)?)
    }

    /// The next line, without its end.
    pub fn line(&mut self) -> Result<String, Lost> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Err(Lost("the connection was closed".to_owned()));
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// Exactly so many octets.
    pub fn octets(&mut self, count: usize) -> Result<Vec<u8>, Lost> {
        let mut octets = vec![0; count];
        self.stream.read_exact(&mut octets)?;
        Ok(octets)
    }

    /// A reply of SMTP or LMTP: its code and its last line.
    pub fn reply(&mut self) -> Result<(u16, String), Lost> {
        loop {
            let line = self.line()?;
            let code = line.get(..3).and_then(|code| code.parse().ok());
            let code = code.ok_or_else(|| Lost(format!("no reply: {line}")))?;
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok((code, line));
            }
        }
    }

    /// Sends a command of SMTP or LMTP and takes its reply.
    pub fn command(&mut self, command: &str) -> Result<(u16, String), Lost> {
        self.send(format!("{command}\r\n").as_bytes())?;
        self.reply()
    }
}
