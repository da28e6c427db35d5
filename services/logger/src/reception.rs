//! Where lines come from.
//!
//! | module | from where |
//! |---|---|
//! | [`stream`] | TCP (RFC 6587) and TLS (RFC 5425) |
//! | [`datagram`] | UDP (RFC 5426) and a socket on this machine |
//! | [`journal`] | this machine's journal |
//!
//! # What a sender can rely on
//! - Streams: lines are read no faster than they can be kept. When a sender has shut its side down, ours
//!   is closed after the last of its lines is durable, and not before: a sender that waits for that
//!   knows that nothing is missing. A connection that breaks promises nothing but that what became
//!   durable stays so.
//! - Datagrams: nothing. What there is no room for is dropped, the least urgent first, and counted.
//! - The journal: the place up to which it was read is written after its lines are durable, so that a
//!   line may come twice after a kill, and none is left out.

pub(crate) mod datagram;
pub(crate) mod journal;
pub(crate) mod stream;

use std::sync::Arc;

use roost_kit::clock::Clock;
use roost_kit::net::{Networks, Peer};
use tokio_util::sync::CancellationToken;

use crate::metrics::Counts;
use crate::privacy::Privacy;
use crate::store::intake::Intake;
use crate::store::{Batch, Line, Source, Transport};

/// What every way in needs; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) intake: Intake,
    pub(crate) clock: Clock,
    pub(crate) counts: Counts,
    /// Who may send over the network; everybody if it is empty.
    pub(crate) allow: Networks,
    /// A longer line is cut.
    pub(crate) line_max: usize,
    pub(crate) privacy: Arc<Privacy>,
    pub(crate) draining: CancellationToken,
}

impl Desk {
    /// Whether a peer may send.
    fn admits(&self, peer: Peer) -> bool {
        let is_welcome = self.allow.is_empty() || self.allow.contain_peer(peer);
        if !is_welcome {
            self.counts.strangers.inc();
        }
        is_welcome
    }

    /// Now, in milliseconds since 1970.
    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Adds a line to a batch, as policy wants it kept.
    fn push(&self, batch: &mut Batch, line: Line<'_>) {
        if line.is_cut {
            self.counts.cut.inc();
        }
        match self.privacy.veil(line.octets) {
            None => batch.push(line),
            Some(octets) => batch.push(Line {
                octets: &octets,
                ..line
            }),
        }
    }
}

/// The source of what a peer sends.
fn source(transport: Transport, peer: Peer) -> Source {
    Source {
        transport,
        address: peer.ip(),
    }
}
