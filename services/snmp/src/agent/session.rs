//! One session.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use jiff::Timestamp;
use roost_kit::clock::Clock;
use roost_kit::config::ListenSpec;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Counts, OpenError};
use crate::answer;
use crate::config::Thresholds;
use crate::mib;
use crate::notices::Notice;
use crate::oid::Oid;
use crate::tree::Tree;
use crate::wire::{self, Binding, Body, Error, Found, HEADER, Header, Reason};
use roost_node::Node;

/// How long the master agent may take for an answer to us.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Seconds that the master agent should wait for an answer of ours.
const ANSWER_SECONDS: u8 = 5;
/// Before what the master agent answers itself, which registers with 127: net-snmp's own `mtaTable`,
/// made for sendmail, is there even where sendmail is not.
const PRIORITY: u8 = 100;
/// A session without a word for so long is asked whether it is there.
const PING_AFTER: Duration = Duration::from_secs(15);

/// A connection either way.
trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// An open session whose subtrees are registered.
pub(super) struct Session {
    line: Pin<Box<dyn Line>>,
    unread: BytesMut,
    id: u32,
    last_packet: u32,
    master_start: Timestamp,
    tree: Option<Arc<Tree>>,
}

/// Why a session ended.
pub(super) enum Ended {
    /// The daemon stops.
    Stopped,
    /// The master agent closed it, or went away.
    Lost(String),
}

impl Session {
    /// Connects, opens and registers.
    pub(super) async fn open(master: &ListenSpec, clock: &Clock) -> Result<Self, OpenError> {
        tokio::time::timeout(ANSWER_MAX, Self::open_unhurried(master, clock))
            .await
            .unwrap_or(Err(OpenError::TimedOut(ANSWER_MAX)))
    }

    async fn open_unhurried(master: &ListenSpec, clock: &Clock) -> Result<Self, OpenError> {
        let line: io::Result<Pin<Box<dyn Line>>> = match master {
            ListenSpec::Path(path) => UnixStream::connect(path)
                .await
                .map(|line| Box::pin(line) as Pin<Box<dyn Line>>),
            ListenSpec::Address(address) => TcpStream::connect(address)
                .await
                .map(|line| Box::pin(line) as Pin<Box<dyn Line>>),
        };
        let mut session = Self {
            line: line.map_err(|source| OpenError::Connect {
                master: master.clone(),
                source,
            })?,
            unread: BytesMut::new(),
            id: 0,
            last_packet: 0,
            master_start: clock.now(),
            tree: None,
        };
        let open = Body::Open {
            timeout: ANSWER_SECONDS,
            id: Oid::default(),
            description: "Roost".to_owned(),
        };
        let (header, uptime) = session.ask("open a session", &open).await?;
        session.id = header.session;
        let running = Duration::from_millis(u64::from(uptime).saturating_mul(10));
        session.master_start = clock
            .now()
            .checked_sub(running)
            .unwrap_or(session.master_start);
        for subtree in mib::subtrees() {
            let what = format!("register {subtree}");
            let register = Body::Register {
                timeout: 0,
                priority: PRIORITY,
                subtree,
            };
            session.ask(&what, &register).await?;
        }
        Ok(session)
    }

    /// Sends a PDU and waits for its answer; there is no other traffic before all is registered but
    /// requests, which the master repeats.
    async fn ask(&mut self, what: &str, body: &Body) -> Result<(Header, u32), OpenError> {
        let sent = self.send(body).await?;
        loop {
            let (header, body) = self.next().await?;
            match body {
                Body::Response { uptime, error, .. } if header.packet == sent => {
                    return match error {
                        Error::NONE => Ok((header, uptime)),
                        error => Err(OpenError::Refused {
                            what: what.to_owned(),
                            error,
                        }),
                    };
                }
                _ => {}
            }
        }
    }

    /// Answers and notifies until the session ends.
    pub(super) async fn serve(
        &mut self,
        thresholds: &Thresholds,
        node: &mut watch::Receiver<Arc<Node>>,
        notices: &mut mpsc::Receiver<Notice>,
        counts: &Counts,
        stopping: &CancellationToken,
    ) -> Ended {
        let served = self
            .serve_until(thresholds, node, notices, counts, stopping)
            .await;
        match served {
            Ok(()) => Ended::Stopped,
            Err(error) => Ended::Lost(error.to_string()),
        }
    }

    async fn serve_until(
        &mut self,
        thresholds: &Thresholds,
        node: &mut watch::Receiver<Arc<Node>>,
        notices: &mut mpsc::Receiver<Notice>,
        counts: &Counts,
        stopping: &CancellationToken,
    ) -> Result<(), OpenError> {
        self.renew(&node.borrow_and_update(), thresholds);
        let mut is_pinged = false;
        loop {
            tokio::select! {
                () = stopping.cancelled() => {
                    let reason = Reason::Shutdown as u8;
                    self.send(&Body::Close { reason }).await?;
                    return Ok(());
                }
                received = tokio::time::timeout(PING_AFTER, self.next()) => match received {
                    Ok(received) => {
                        let (header, body) = received?;
                        is_pinged = false;
                        self.receive(header, body, counts).await?;
                    }
                    Err(_) if is_pinged => return Err(OpenError::TimedOut(PING_AFTER)),
                    Err(_) => {
                        self.send(&Body::Ping).await?;
                        is_pinged = true;
                    }
                },
                changed = node.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.renew(&node.borrow_and_update(), thresholds);
                }
                Some(notice) = notices.recv() => {
                    tracing::info!(notification = ?notice.what, "notified");
                    let bindings = notice.bindings().into_iter().map(|(name, value)| Binding {
                        name,
                        value: Found::Value(value),
                    });
                    self.send(&Body::Notify(bindings.collect())).await?;
                    counts.notifications.inc();
                }
            }
        }
    }

    fn renew(&mut self, node: &Node, thresholds: &Thresholds) {
        self.tree = Some(Arc::new(mib::tree(node, thresholds, self.master_start)));
    }

    async fn receive(
        &mut self,
        header: Header,
        body: Body,
        counts: &Counts,
    ) -> Result<(), OpenError> {
        let tree = self.tree.clone().unwrap_or_default();
        let bindings = match body {
            Body::Get(ranges) => answer::get(&tree, &ranges),
            Body::GetNext(ranges) => answer::get_next(&tree, &ranges),
            Body::GetBulk {
                non_repeaters,
                max_repetitions,
                ranges,
            } => answer::get_bulk(&tree, non_repeaters, max_repetitions, &ranges),
            // Nothing can be set.
            Body::TestSet(_) => {
                return self
                    .respond(&header, Error::NOT_WRITABLE, 1, Vec::new())
                    .await;
            }
            Body::CommitSet | Body::UndoSet => {
                return self
                    .respond(&header, Error::PROCESSING, 0, Vec::new())
                    .await;
            }
            Body::Close { reason } => {
                let error =
                    io::Error::other(format!("the master agent closed the session ({reason})"));
                return Err(error.into());
            }
            Body::Response { error, .. } => {
                if error != Error::NONE {
                    tracing::warn!(
                        error = error.name(),
                        "the master agent refused a notification or a ping"
                    );
                }
                // A session that the master forgot must be opened anew.
                return match error {
                    Error::NOT_OPEN => Err(OpenError::Refused {
                        what: "go on with the session".to_owned(),
                        error,
                    }),
                    _ => Ok(()),
                };
            }
            Body::CleanupSet => return Ok(()),
            Body::Open { .. } | Body::Register { .. } | Body::Notify(_) | Body::Ping => {
                return self
                    .respond(&header, Error::PROCESSING, 0, Vec::new())
                    .await;
            }
        };
        counts.requests.inc();
        self.respond(&header, Error::NONE, 0, bindings).await
    }

    async fn respond(
        &mut self,
        to: &Header,
        error: Error,
        index: u16,
        bindings: Vec<Binding>,
    ) -> Result<(), OpenError> {
        let response = Body::Response {
            uptime: 0,
            error,
            index,
            bindings,
        };
        self.line.write_all(&response.encode(to)).await?;
        Ok(())
    }

    /// Sends a PDU of our own; its packet number.
    async fn send(&mut self, body: &Body) -> Result<u32, OpenError> {
        self.last_packet = self.last_packet.wrapping_add(1);
        let header = Header {
            kind: body.kind(),
            flags: 0,
            session: self.id,
            transaction: self.last_packet,
            packet: self.last_packet,
        };
        self.line.write_all(&body.encode(&header)).await?;
        Ok(self.last_packet)
    }

    /// The next PDU. Can be cancelled: what was read stays in `unread`. A request that cannot be
    /// read is answered so.
    async fn next(&mut self) -> Result<(Header, Body), OpenError> {
        loop {
            if let Some(head) = self.unread.first_chunk::<HEADER>() {
                let (header, length) = wire::header(head)?;
                let whole = HEADER.saturating_add(length);
                if self.unread.len() >= whole {
                    let mut pdu = self.unread.split_to(whole);
                    pdu.advance(HEADER);
                    match wire::decode(&header, &pdu) {
                        Ok(body) => return Ok((header, body)),
                        Err(error) => {
                            tracing::warn!(%error, "a request of the master agent cannot be read");
                            self.respond(&header, Error::PARSE, 0, Vec::new()).await?;
                            continue;
                        }
                    }
                }
            }
            if self.line.read_buf(&mut self.unread).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }
}
