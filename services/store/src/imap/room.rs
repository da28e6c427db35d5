//! The memory of messages that come in by APPEND: what all accounts share, and how much of it one
//! account has. Taken before a client is told to send, so that many that announce large messages and
//! never finish them cost no more than that.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use roost_core_directory::name::AccountId;

/// Octets of all accounts together: ten of the largest messages.
const ALL_OCTETS: u64 = 512 << 20;

/// Octets of one account, so that one that misbehaves leaves room for the others. At least one
/// message of the largest size is always let in.
const ACCOUNT_OCTETS: u64 = 128 << 20;

/// Counts octets; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Room(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    all: u64,
    /// An account is here while it has some: bounded by the sessions.
    accounts: HashMap<AccountId, u64>,
}

/// What one session has taken; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Space {
    room: Room,
    account: AccountId,
    octets: Mutex<u64>,
}

impl Room {
    /// Nothing taken yet.
    pub(crate) fn space(&self, account: AccountId) -> Space {
        Space {
            room: self.clone(),
            account,
            octets: Mutex::new(0),
        }
    }
}

impl Space {
    /// Has `octets` from now on, more or less than before; false if there is no room, and then it
    /// has none.
    pub(crate) fn set(&self, octets: u64) -> bool {
        let mut own = self.octets.lock();
        let taken = &mut *self.room.0.lock();
        let account = taken.accounts.entry(self.account).or_insert(0);
        *account -= *own;
        taken.all -= *own;
        let fits = |taken: u64, most: u64| taken == 0 || taken.saturating_add(octets) <= most;
        *own = match fits(taken.all, ALL_OCTETS) && fits(*account, ACCOUNT_OCTETS) {
            true => octets,
            false => 0,
        };
        *account += *own;
        taken.all += *own;
        if *account == 0 {
            taken.accounts.remove(&self.account);
        }
        *own == octets
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_share_and_gives_it_back() {
        let room = Room::default();
        let (alice, bob) = (AccountId::random(), AccountId::random());
        let first = room.space(alice);
        let second = room.space(alice);
        assert!(first.set(100 << 20) && second.set(28 << 20));
        let third = room.space(alice);
        assert!(!third.set(1));
        assert!(room.space(bob).set(100 << 20));
        assert!(first.set(10 << 20) && third.set(50 << 20));
        drop((first, second, third));
        assert!(room.0.lock().accounts.is_empty());
        assert_eq!(room.0.lock().all, 0);
    }

    #[test]
    fn all_together_have_no_more_than_there_is() {
        let room = Room::default();
        let spaces: Vec<_> = (0..5).map(|_| room.space(AccountId::random())).collect();
        let fits = |space: &Space| space.set(ACCOUNT_OCTETS);
        let let_in: Vec<bool> = spaces.iter().map(fits).collect();
        assert_eq!(let_in, [true, true, true, true, false]);
    }

    #[test]
    fn one_message_of_any_size_is_let_in() {
        let room = Room::default();
        let space = room.space(AccountId::random());
        assert!(space.set(ALL_OCTETS * 2));
        assert!(!room.space(AccountId::random()).set(1));
    }
}
