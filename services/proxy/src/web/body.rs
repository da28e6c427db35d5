//! Bodies on their way: uploads that are limited, answers that are logged when they end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use parking_lot::Mutex;
use tokio::time::{Sleep, sleep};

use super::log::Entry;
use super::page::{Payload, Trouble};

/// What a client uploads.
pub(super) struct Upload {
    /// Nothing where the request has no body.
    incoming: Option<Incoming>,
    left: u64,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    fate: Arc<Fate>,
}

/// How an upload went, for whoever handed it on.
#[derive(Debug, Default)]
pub(super) struct Fate {
    ended: AtomicU8,
    /// What nobody has read of it.
    unread: Mutex<Option<Incoming>>,
}

/// Why an upload ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Ended {
    /// It is larger than allowed.
    #[error("the upload is too large")]
    TooLarge = 1,
    /// Nothing came for too long.
    #[error("the upload is too slow")]
    TooSlow = 2,
    /// The client is gone, or talks nonsense.
    #[error("the upload broke off")]
    Broken = 3,
}

impl Fate {
    fn is(&self, ended: Ended) -> Trouble {
        self.ended.store(ended as u8, Ordering::Relaxed);
        Box::new(ended)
    }

    /// Why it ended, if it did.
    pub(super) fn ended(&self) -> Option<Ended> {
        [Ended::TooLarge, Ended::TooSlow, Ended::Broken]
            .into_iter()
            .find(|ended| *ended as u8 == self.ended.load(Ordering::Relaxed))
    }

    /// What nobody has read of it, if it is over for the one it was handed to.
    pub(super) fn unread(&self) -> Option<Incoming> {
        self.unread.lock().take()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let unread = self
            .incoming
            .take()
            .filter(|incoming| !incoming.is_end_stream());
        *self.fate.unread.lock() = unread;
    }
}

impl Upload {
    /// At most `most` octets, with at most `patience` between two pieces.
    pub(super) fn new(incoming: Incoming, most: u64, patience: Duration) -> Self {
        Self {
            incoming: (!incoming.is_end_stream()).then_some(incoming),
            left: most,
            patience,
            waiting: None,
            fate: Arc::default(),
        }
    }

    /// No body.
    pub(super) fn none() -> Self {
        Self {
            incoming: None,
            left: 0,
            patience: Duration::ZERO,
            waiting: None,
            fate: Arc::default(),
        }
    }

    /// Where it is told how it went.
    pub(super) fn fate(&self) -> Arc<Fate> {
        Arc::clone(&self.fate)
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Trouble;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Trouble>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else {
            return Poll::Ready(None);
        };
        let Poll::Ready(polled) = Pin::new(incoming).poll_frame(context) else {
            let patience = this.patience;
            let waiting = this
                .waiting
                .get_or_insert_with(|| Box::pin(sleep(patience)));
            ready!(waiting.as_mut().poll(context));
            return Poll::Ready(Some(Err(this.fate.is(Ended::TooSlow))));
        };
        this.waiting = None;
        Poll::Ready(match polled {
            None => None,
            Some(Err(_)) => Some(Err(this.fate.is(Ended::Broken))),
            Some(Ok(frame)) => {
                let octets = frame.data_ref().map_or(0, |data| data.len() as u64);
                match this.left.checked_sub(octets) {
                    Some(left) => {
                        this.left = left;
                        Some(Ok(frame))
                    }
                    None => Some(Err(this.fate.is(Ended::TooLarge))),
                }
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.incoming {
            Some(incoming) => incoming.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

/// An answer's body; the access log's line is written when it ends.
pub(super) struct Told {
    payload: Payload,
    entry: Entry,
    /// What nobody has read of the request. Were it dropped before the answer is whole, HTTP/2 would
    /// cancel the stream with the answer (RFC 9113 §8.1).
    _unread: Option<Incoming>,
}

impl Told {
    pub(super) const fn new(payload: Payload, entry: Entry, unread: Option<Incoming>) -> Self {
        Self {
            payload,
            entry,
            _unread: unread,
        }
    }
}

impl Body for Told {
    type Data = Bytes;
    type Error = Trouble;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Trouble>>> {
        let polled = ready!(Pin::new(&mut self.payload).poll_frame(context));
        match &polled {
            None => self.entry.is_whole(),
            Some(Err(error)) => self.entry.broke(error),
            Some(Ok(frame)) => {
                let octets = frame.data_ref().map_or(0, |data| data.len() as u64);
                self.entry.sent(octets);
                if self.payload.is_end_stream() {
                    self.entry.is_whole();
                }
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.payload.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.payload.size_hint()
    }
}
