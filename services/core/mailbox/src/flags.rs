//! System flags of items, and changes of flags.

use std::ops::{BitOr, BitOrAssign};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// A set of system flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flags(u32);

impl Flags {
    /// None.
    pub const NONE: Self = Self(0);
    /// It has been read.
    pub const SEEN: Self = Self(1);
    /// It has been answered.
    pub const ANSWERED: Self = Self(1 << 1);
    /// It is marked for attention.
    pub const FLAGGED: Self = Self(1 << 2);
    /// It is going to be removed.
    pub const DELETED: Self = Self(1 << 3);
    /// It is not finished.
    pub const DRAFT: Self = Self(1 << 4);
    /// It has been forwarded.
    pub const FORWARDED: Self = Self(1 << 5);
    /// The owner sent it.
    pub const SENT: Self = Self(1 << 6);
    /// It has attachments.
    pub const ATTACHMENT: Self = Self(1 << 7);
    /// Its sender was notified that it was read.
    pub const NOTIFIED: Self = Self(1 << 8);
    /// Its sender called it urgent.
    pub const URGENT: Self = Self(1 << 9);
    /// Its sender called it unimportant.
    pub const BULK: Self = Self(1 << 10);
    /// It carries an invitation.
    pub const INVITE: Self = Self(1 << 11);
    /// Its conversation is muted.
    pub const MUTED: Self = Self(1 << 12);
    /// It is kept at the top.
    pub const PINNED: Self = Self(1 << 13);

    /// Metadata are kept with it. The engine's own.
    pub(crate) const METADATA: Self = Self(1 << 31);

    /// The set with these bits.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `other` are in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// A change of the flags and keywords of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagChange {
    /// What happens with those named.
    pub action: FlagAction,
    /// The system flags named.
    pub flags: Flags,
    /// The keywords named; those that the mailbox does not have are made.
    pub keywords: Vec<CompactString>,
}

/// What happens with the flags that a change names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagAction {
    /// They are added.
    Add,
    /// They are removed.
    Remove,
    /// They replace the five system flags of IMAP (\Seen to \Draft) and all keywords; the flags
    /// that a client of IMAP cannot see stay, unless they are named.
    Replace,
}

impl FlagChange {
    /// Adds `flags`.
    #[must_use]
    pub fn add(flags: Flags) -> Self {
        Self {
            action: FlagAction::Add,
            flags,
            keywords: Vec::new(),
        }
    }

    /// Removes `flags`.
    #[must_use]
    pub fn remove(flags: Flags) -> Self {
        Self {
            action: FlagAction::Remove,
            ..Self::add(flags)
        }
    }

    /// What becomes of a set of system flags.
    pub(crate) fn system(&self, flags: Flags) -> Flags {
        const REPLACED: Flags = Flags(0b1_1111);
        let named = self.flags.without(Flags::METADATA);
        match self.action {
            FlagAction::Add => flags | named,
            FlagAction::Remove => flags.without(named),
            FlagAction::Replace => flags.without(REPLACED) | named,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_leaves_what_imap_does_not_show() {
        let change = FlagChange {
            action: FlagAction::Replace,
            ..FlagChange::add(Flags::FLAGGED)
        };
        assert_eq!(
            change.system(Flags::SEEN | Flags::ATTACHMENT),
            Flags::FLAGGED | Flags::ATTACHMENT
        );
    }
}
