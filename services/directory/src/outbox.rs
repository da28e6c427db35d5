//! Encoded answers of one connection on their way to its socket: bounded in number and in octets, so
//! that a client that asks for much and does not read costs no more than that.

use std::sync::Arc;

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::limits::{ANSWERS_OCTETS, ANSWERS_WAITING};

/// Where answers are put; cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    sender: mpsc::Sender<Parcel>,
    room: Arc<Semaphore>,
}

/// Where they are taken out.
#[derive(Debug)]
pub struct Outgoing(mpsc::Receiver<Parcel>);

/// Nobody takes answers any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

#[derive(Debug)]
struct Parcel {
    answer: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// Both ends for one connection.
#[must_use]
pub fn outbox() -> (Outbox, Outgoing) {
    let (sender, receiver) = mpsc::channel(ANSWERS_WAITING);
    let room = Arc::new(Semaphore::new(ANSWERS_OCTETS as usize));
    (Outbox { sender, room }, Outgoing(receiver))
}

impl Outbox {
    /// Puts an answer in as soon as there is room; a large one has all of it for itself.
    ///
    /// # Errors
    /// When the connection is at its end.
    pub async fn send(&self, answer: Vec<u8>) -> Result<(), Gone> {
        let octets = u32::try_from(answer.len()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room);
        let room = room.acquire_many_owned(octets.min(ANSWERS_OCTETS));
        // Cancel-safe: whoever gives up has lost nothing but their place.
        let room = tokio::select! {
            room = room => room.map_err(|_| Gone)?,
            () = self.sender.closed() => return Err(Gone),
        };
        let parcel = Parcel {
            answer,
            _room: room,
        };
        self.sender.send(parcel).await.map_err(|_| Gone)
    }
}

impl Outgoing {
    /// The next answer; its room is free from now on.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.0.recv().await.map(|parcel| parcel.answer)
    }

    /// The next answer, if there is one already.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_next(&mut self) -> Result<Vec<u8>, TryRecvError> {
        self.0.try_recv().map(|parcel| parcel.answer)
    }

    /// Takes no more answers.
    pub fn close(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn answers_are_bounded_in_octets() {
        let (outbox, mut outgoing) = outbox();
        let half = vec![0; ANSWERS_OCTETS as usize / 2];
        outbox.send(half.clone()).await.unwrap();
        outbox.send(half.clone()).await.unwrap();
        assert!(outbox.send(vec![0]).now_or_never().is_none());
        assert_eq!(outgoing.next().await, Some(half.clone()));
        outbox.send(vec![0]).await.unwrap();
        // One that is larger than the room waits for all of it, and then goes.
        let large = vec![0; 2 * ANSWERS_OCTETS as usize];
        assert!(outbox.send(large.clone()).now_or_never().is_none());
        assert_eq!(outgoing.try_next(), Ok(half));
        assert_eq!(outgoing.try_next(), Ok(vec![0]));
        outbox.send(large).await.unwrap();
        outgoing.close();
        assert_eq!(outbox.send(vec![0]).await, Err(Gone));
    }
}
