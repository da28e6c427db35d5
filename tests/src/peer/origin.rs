//! A web server behind the proxy, which tells what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

/// A server that answers by the end of the path:
///
/// | path | answer |
/// |---|---|
/// | `…/events` | an event, and a second one after [`Origin::release`] |
/// | `…/socket` | what it hears, once the connection was upgraded |
/// | `…/bytes/N` | so many octets |
/// | `…/die` | hangs up, the first time it is asked |
/// | `…/private` | 401 |
/// | anything else | its name, the request's line, headers, and the length of its body |
#[derive(Debug)]
pub struct Origin {
    /// Where it listens.
    pub port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    name: &'static str,
    requests: AtomicUsize,
    connections: AtomicUsize,
    died: AtomicBool,
    stopped: AtomicBool,
    released: (Mutex<bool>, Condvar),
}

impl Origin {
    /// Starts it on a free port.
    pub fn start(name: &'static str) -> Self {
        Self::start_at(name, 0)
    }

    /// Starts it on this port.
    pub fn start_at(name: &'static str, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let shared = Arc::new(Shared {
            name,
            requests: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            died: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            released: Default::default(),
        });
        let port = listener.local_addr().unwrap().port();
        let own = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if own.stopped.load(Ordering::SeqCst) {
                    return;
                }
                own.connections.fetch_add(1, Ordering::SeqCst);
                let own = Arc::clone(&own);
                // It ends with its connection, at the latest with the test's process.
                std::thread::spawn(move || own.serve(stream.unwrap()));
            }
        });
        Self {
            port,
            shared,
            accepting: Some(accepting),
        }
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// How many connections came.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Lets the second event go.
    pub fn release(&self) {
        *self.shared.released.0.lock().unwrap() = true;
        self.shared.released.1.notify_all();
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.release();
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(accepting) = self.accepting.take()
            && accepting.join().is_err()
        {
            println!("a web server panicked");
        }
    }
}

/// A request.
struct Asked {
    line: String,
    headers: Vec<String>,
    body: usize,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.headers.iter().filter_map(|line| line.split_once(": "));
        pairs
            .into_iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        let mut writer = stream.try_clone().unwrap();
        let mut reader = BufReader::new(stream);
        while let Some(asked) = read(&mut reader) {
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            self.requests.fetch_add(1, Ordering::SeqCst);
            if !self.answer(&asked, &mut reader, &mut writer) {
                return;
            }
        }
    }

    /// Answers; false at the end of the connection.
    fn answer(&self, asked: &Asked, reader: &mut impl BufRead, to: &mut TcpStream) -> bool {
        let target = asked.line.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        let written = match last {
            "events" => self.events(to),
            "socket" => return socket(asked, reader, to),
            "die" if !self.died.swap(true, Ordering::SeqCst) => return false,
            "private" => to.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"),
            number if path.contains("/bytes/") => {
                let octets = vec![b'x'; number.parse().unwrap()];
                say(to, &octets)
            }
            _ => {
                let told = format!(
                    "{}\n{}\n{}\n\nbody: {}\n",
                    self.name,
                    asked.line,
                    asked.headers.join("\n"),
                    asked.body
                );
                say(to, told.as_bytes())
            }
        };
        written.is_ok()
    }

    fn events(&self, to: &mut TcpStream) -> std::io::Result<()> {
        to.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
              d\r\ndata: first\n\n\r\n",
        )?;
        let released = self.released.0.lock().unwrap();
        drop(
            self.released
                .1
                .wait_while(released, |released| !*released)
                .unwrap(),
        );
        to.write_all(b"e\r\ndata: second\n\n\r\n0\r\n\r\n")
    }
}

fn say(to: &mut TcpStream, octets: &[u8]) -> std::io::Result<()> {
    let length = octets.len();
    to.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes())?;
    to.write_all(octets)
}

/// Becomes something that says again what it hears.
fn socket(asked: &Asked, reader: &mut impl BufRead, to: &mut TcpStream) -> bool {
    let protocol = asked.header("upgrade").unwrap_or("none");
    let agreed = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\n"
    );
    if to.write_all(agreed.as_bytes()).is_err() {
        return false;
    }
    let mut octets = [0; 4096];
    loop {
        match reader.read(&mut octets) {
            Ok(0) | Err(_) => return false,
            Ok(count) => {
                if to.write_all(&octets[..count]).is_err() {
                    return false;
                }
            }
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let line = line(reader)?;
    let mut headers = Vec::new();
    loop {
        match self::line(reader)? {
            end if end.is_empty() => break,
            header => headers.push(header),
        }
    }
    let mut asked = Asked {
        line,
        headers,
        body: 0,
    };
    if asked.header("transfer-encoding").is_some() {
        loop {
            let size = usize::from_str_radix(&self::line(reader)?, 16).ok()?;
            skip(reader, size + 2)?;
            asked.body += size;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = asked.header("content-length") {
        asked.body = length.parse().ok()?;
        skip(reader, asked.body)?;
    }
    Some(asked)
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(count) if count > 0 => Some(line.trim_end().to_owned()),
        Ok(_) | Err(_) => None,
    }
}

fn skip(reader: &mut impl Read, octets: usize) -> Option<()> {
    let mut body = reader.take(octets as u64);
    let skipped = std::io::copy(&mut body, &mut std::io::sink()).ok()?;
    (skipped == octets as u64).then_some(())
}
