//! What the fuzz targets look at, and nobody else.

use serde::{Serialize, de::DeserializeOwned};

use crate::fit;
use crate::id::{AccountId, MailboxId};
use crate::op::{BlobRecord, ChangeRecord};
use crate::state::State;

/// Reads a record's payload as each kind; what can be read is written the same, and can be applied
/// to a mailbox any number of times.
pub fn records(payload: &[u8]) {
    again::<BlobRecord>(payload);
    let Some(change) = again::<ChangeRecord>(payload) else {
        return;
    };
    let mut state = State::unborn(MailboxId::new(1), AccountId::from(uuid::Uuid::nil()));
    for _ in 0..2 {
        if fit::check(&state, &change).is_ok() {
            state.apply(&change);
            state.outline(&change);
        }
    }
}

fn again<T: Serialize + DeserializeOwned + PartialEq>(payload: &[u8]) -> Option<T> {
    let read = postcard::from_bytes::<T>(payload).ok()?;
    let written = postcard::to_stdvec(&read).ok()?;
    assert!(postcard::from_bytes::<T>(&written).is_ok_and(|again| again == read));
    Some(read)
}
