//! A client of SMTP as other mail servers are: from outside, without TLS, counting what is acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::bail;

use crate::clock::wait_for;

/// Longer than a daemon takes to start anew, in a guest that gets little of a processor.
const PATIENCE: Duration = Duration::from_secs(900);
/// How long mail may take to be accepted at all.
const LOAD_PATIENCE: Duration = Duration::from_secs(600);

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Acknowledged with 250.
    Accepted,
    /// "Try again later", with this code.
    Later(u16),
    /// Nobody answered: the connection was refused, or ended before a greeting.
    Refused,
    /// It ended in the middle.
    Broken,
}

/// Gives one message to the server at this port.
pub(crate) fn send(port: u16, to: &str, subject: &str) -> Outcome {
    let Ok(mut talk) = Talk::open(port) else {
        return Outcome::Refused;
    };
    let message = format!(
        "From: Outside <someone@outside.test>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\
         Message-ID: <{subject}@outside.test>\r\n\r\nA message from outside.\r\n.\r\n"
    );
    let rcpt = format!("RCPT TO:<{to}>\r\n");
    for (line, expected) in [
        ("EHLO outside.test\r\n", 250),
        ("MAIL FROM:<someone@outside.test>\r\n", 250),
        (rcpt.as_str(), 250),
        ("DATA\r\n", 354),
        (message.as_str(), 250),
    ] {
        match talk.exchange(line) {
            Ok(code) if code == expected => {}
            Ok(code) => return Outcome::Later(code),
            Err(_) => return Outcome::Broken,
        }
    }
    // It is acknowledged, however we part.
    drop(talk.exchange("QUIT\r\n"));
    Outcome::Accepted
}

struct Talk {
    line: BufReader<TcpStream>,
}

impl Talk {
    fn open(port: u16) -> anyhow::Result<Self> {
        let line = TcpStream::connect(("127.0.0.1", port))?;
        line.set_read_timeout(Some(PATIENCE))?;
        let mut talk = Self {
            line: BufReader::new(line),
        };
        match talk.reply()? {
            220 => Ok(talk),
            code => bail!("greeted with {code}"),
        }
    }

    fn exchange(&mut self, line: &str) -> anyhow::Result<u16> {
        self.line.get_mut().write_all(line.as_bytes())?;
        self.reply()
    }

    fn reply(&mut self) -> anyhow::Result<u16> {
        loop {
            let mut line = String::new();
            if self.line.read_line(&mut line)? == 0 {
                bail!("the connection ended");
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line.get(..3).unwrap_or_default().parse()?);
            }
        }
    }
}

/// Mail that keeps coming until it is told to stop.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
    thread: JoinHandle<Vec<Outcome>>,
}

impl Load {
    /// One message after the other.
    pub(crate) fn start(port: u16, to: &str, prefix: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, to, prefix) = (Arc::clone(&stop), to.to_owned(), prefix.to_owned());
        let accepted = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&accepted);
        let thread = std::thread::spawn(move || {
            let mut outcomes = Vec::new();
            while !told.load(Ordering::Relaxed) {
                let subject = format!("{prefix}-{}", outcomes.len());
                let outcome = send(port, &to, &subject);
                counted.fetch_add(usize::from(outcome == Outcome::Accepted), Ordering::Relaxed);
                outcomes.push(outcome);
            }
            outcomes
        });
        Self {
            stop,
            accepted,
            thread,
        }
    }

    /// Waits until so many more have been accepted.
    pub(crate) fn wait_accepted(&self, more: usize) -> anyhow::Result<()> {
        let before = self.accepted.load(Ordering::Relaxed);
        wait_for(&format!("{more} accepted messages"), LOAD_PATIENCE, || {
            (self.accepted.load(Ordering::Relaxed) >= before + more).then_some(())
        })
    }

    /// Stops it; what became of each message, in order.
    pub(crate) fn stop(self) -> anyhow::Result<Vec<Outcome>> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(outcomes) => Ok(outcomes),
            Err(_) => bail!("the load's thread panicked"),
        }
    }
}
