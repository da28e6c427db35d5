//! A host that answers as it is told, and remembers what it was sent.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::AddAssign;
use std::sync::Arc;

use parking_lot::Mutex;
use roost_kit::net::Stream;
use roost_kit::tls::Tls;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// A transaction that the host took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) mail: String,
    pub(super) rcpt: Vec<String>,
    pub(super) content: String,
}

/// What the host says.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    /// LMTP: a reply for each recipient.
    pub(super) lmtp: bool,
    /// The greeting, if not 220; it ends the session.
    pub(super) greeting: Option<&'static str>,
    /// The name in the reply to EHLO; `sink` if none.
    pub(super) name: Option<&'static str>,
    /// The certificate for STARTTLS, which has to be among the keywords too.
    pub(super) tls: Option<Tls>,
    /// The reply to MAIL, which ends the session; 250 if none.
    pub(super) mail: Option<&'static str>,
    /// Keywords of EHLO.
    pub(super) offers: Vec<&'static str>,
    /// Replies to RCPT by address.
    pub(super) rcpt: HashMap<&'static str, &'static str>,
    /// Replies to the message; 250 if none.
    pub(super) message: Option<&'static str>,
    /// Hangs up after the reply to the message.
    pub(super) hang_up: bool,
}

#[derive(Debug, Default)]
struct Log {
    taken: Mutex<Vec<Taken>>,
    connections: Mutex<u32>,
    secured: Mutex<u32>,
    news: Notify,
}

/// The running host; it stops when dropped.
pub(super) struct Sink {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    log: Arc<Log>,
    _tasks: JoinSet<()>,
}

impl Sink {
    pub(super) async fn start(script: Script) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    pub(super) fn on(listener: TcpListener, script: Script) -> Self {
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(script));
        let log = Arc::new(Log::default());
        let mut tasks = JoinSet::new();
        let (shared, kept) = (Arc::clone(&script), Arc::clone(&log));
        tasks.spawn(async move {
            let mut sessions = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *kept.connections.lock() += 1;
                sessions.spawn(serve(stream, Arc::clone(&shared), Arc::clone(&kept)));
            }
        });
        Self {
            address,
            script,
            log,
            _tasks: tasks,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn say(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock());
    }

    pub(super) fn connections(&self) -> u32 {
        *self.log.connections.lock()
    }

    pub(super) fn secured(&self) -> u32 {
        *self.log.secured.lock()
    }

    /// Waits until so many transactions were taken.
    pub(super) async fn taken(&self, count: usize) -> Vec<Taken> {
        loop {
            let news = self.log.news.notified();
            let taken = self.log.taken.lock().clone();
            if taken.len() >= count {
                return taken;
            }
            news.await;
        }
    }
}

async fn serve(stream: TcpStream, script: Arc<Mutex<Script>>, log: Arc<Log>) {
    // A client that hangs up ends the session.
    let _ended: Option<()> = session(stream, script, log).await;
}

async fn session(stream: TcpStream, script: Arc<Mutex<Script>>, log: Arc<Log>) -> Option<()> {
    let mut stream = BufReader::new(Stream::from_tcp(stream).ok()?);
    let mut taken = Taken::default();
    let mut accepted = 0;
    let greeting = script.lock().greeting;
    if let Some(greeting) = greeting {
        return say(&mut stream, &format!("{greeting}\r\n")).await;
    }
    say(&mut stream, "220 sink\r\n").await?;
    while let Some(line) = hear(&mut stream).await {
        let said = script.lock().clone();
        let verb: String = line.chars().take(4).collect::<String>().to_uppercase();
        let reply = match verb.as_str() {
            "EHLO" | "LHLO" => {
                let offers = said.offers.iter().map(|offer| format!("250-{offer}\r\n"));
                let name = said.name.unwrap_or("sink");
                format!("250-{name}\r\n{}250 HELP\r\n", offers.collect::<String>())
            }
            "STAR" => {
                say(&mut stream, "220 go\r\n").await?;
                let secured = stream.into_inner().upgrade(said.tls.as_ref()?).await;
                stream = BufReader::new(secured.ok()?);
                log.secured.lock().add_assign(1);
                continue;
            }
            "MAIL" if said.mail.is_some() => {
                return say(&mut stream, &format!("{}\r\n", said.mail?)).await;
            }
            "MAIL" => {
                taken = Taken {
                    mail: line,
                    ..Taken::default()
                };
                accepted = 0;
                "250 ok\r\n".to_owned()
            }
            "RCPT" => {
                let refusal = said
                    .rcpt
                    .iter()
                    .find(|(to, _)| line.contains(&format!("<{to}>")));
                match refusal {
                    Some((_, reply)) => format!("{reply}\r\n"),
                    None => {
                        taken.rcpt.push(line);
                        accepted += 1;
                        "250 ok\r\n".to_owned()
                    }
                }
            }
            "DATA" if accepted == 0 => "554 no recipients\r\n".to_owned(),
            "DATA" => {
                say(&mut stream, "354 go\r\n").await?;
                while let Some(line) = hear(&mut stream).await {
                    if line == "." {
                        break;
                    }
                    taken.content.push_str(&line);
                    taken.content.push('\n');
                }
                let reply = format!("{}\r\n", said.message.unwrap_or("250 2.0.0 taken"));
                let count = if said.lmtp { accepted } else { 1 };
                if reply.starts_with('2') {
                    log.taken.lock().push(taken.clone());
                    log.news.notify_waiters();
                }
                reply.repeat(count)
            }
            "QUIT" => {
                return say(&mut stream, "221 bye\r\n").await;
            }
            _ => "250 ok\r\n".to_owned(),
        };
        say(&mut stream, &reply).await?;
        if verb == "DATA" && said.hang_up {
            return Some(());
        }
    }
    Some(())
}

async fn say(stream: &mut BufReader<Stream>, reply: &str) -> Option<()> {
    stream.write_all(reply.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn hear(stream: &mut BufReader<Stream>) -> Option<String> {
    let mut line = String::new();
    let count = stream.read_line(&mut line).await.ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}
