//! Lines that come one a datagram.

use std::io;
use std::time::Duration;

use roost_kit::net::{Datagrams, Peer};

use super::{Desk, source};
use crate::store::intake::BATCH_BYTES;
use crate::store::{Batch, Line, Transport};
use crate::syslog::{Priority, Severity};

/// The largest datagram: what UDP can carry, and more for this machine's.
const DATAGRAM_MAX: usize = 256 << 10;
/// What the system is asked to keep while we are busy.
const MEMORY: usize = 4 << 20;
/// How long to wait after a socket failed.
const PAUSE: Duration = Duration::from_millis(200);
/// Datagrams that are handed in together.
const BATCH_LINES: u64 = 512;

/// Receives at a socket until the drain, when what waits there is still read.
pub(crate) async fn serve(desk: Desk, socket: Datagrams) {
    if let Err(error) = socket.set_memory(MEMORY) {
        tracing::debug!(%error, "the system gives no memory for datagrams");
    }
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        let first = tokio::select! {
            // Cancel-safe: a datagram that was not received stays.
            biased;
            first = socket.receive(&mut buffer) => Some(first),
            () = desk.draining.cancelled() => None,
        };
        let is_last = first.is_none();
        let first = first.unwrap_or_else(|| socket.try_receive(&mut buffer));
        match first {
            Ok(datagram) => take_all(&desk, &socket, &mut buffer, datagram),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::warn!(%error, "cannot receive datagrams");
                tokio::time::sleep(PAUSE).await;
            }
        }
        if is_last {
            return;
        }
        // Others get their turn, however much comes.
        tokio::task::yield_now().await;
    }
}

/// Takes a datagram and those that wait behind it.
fn take_all(desk: &Desk, socket: &Datagrams, buffer: &mut [u8], first: (usize, Peer)) {
    let mut batch = Batch::default();
    let mut next = Some(first);
    while let Some((length, peer)) = next {
        take(
            desk,
            &mut batch,
            buffer.get(..length).unwrap_or_default(),
            peer,
        );
        if batch.size() >= BATCH_BYTES || batch.lines() >= BATCH_LINES {
            break;
        }
        next = socket.try_receive(buffer).ok();
    }
    let lines = batch.lines();
    if lines > 0 && !desk.intake.offer(batch) {
        desk.counts.refused.inc_by(lines);
    }
}

fn take(desk: &Desk, batch: &mut Batch, datagram: &[u8], peer: Peer) {
    let transport = match peer {
        Peer::Remote(_) => Transport::Udp,
        Peer::Local => Transport::Local,
    };
    if transport == Transport::Udp && !desk.admits(peer) {
        return;
    }
    let mut line = datagram;
    while let [rest @ .., b'\n' | b'\r' | 0] = line {
        line = rest;
    }
    if line.is_empty() {
        return;
    }
    desk.counts.received(transport, 1);
    let severity = Priority::read(line).map_or(Severity::Notice, |(priority, _)| priority.severity);
    if !desk
        .intake
        .has_room_for(severity, batch.size() + line.len())
    {
        desk.counts.shed(severity);
        return;
    }
    let kept = line.get(..desk.line_max);
    let line = Line {
        source: source(transport, peer),
        received: desk.now(),
        is_cut: kept.is_some_and(|kept| kept.len() < line.len()),
        octets: kept.unwrap_or(line),
    };
    desk.push(batch, line);
}
