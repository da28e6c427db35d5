//! What files hold, and what of it survives.

use super::Loss;

const SECTOR: usize = 512;

/// A file's content, as it is seen and as it is on the medium.
#[derive(Debug, Clone, Default)]
pub(super) struct File {
    pub(super) seen: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) unsynced: Vec<Write>,
}

#[derive(Debug, Clone)]
pub(super) enum Write {
    Bytes(u64, Vec<u8>),
    Length(u64),
}

impl File {
    pub(super) fn write(&mut self, write: Write) {
        write.apply(&mut self.seen);
        self.unsynced.push(write);
    }

    pub(super) fn sync(&mut self) {
        for write in std::mem::take(&mut self.unsynced) {
            write.apply(&mut self.durable);
        }
    }

    /// The kernel takes the pages for clean, but they are not on the medium.
    pub(super) fn lose(&mut self) {
        self.unsynced.clear();
    }

    pub(super) fn after_crash(&self, dice: &mut Dice) -> Self {
        let mut content = match dice.loss {
            Loss::Nothing => self.seen.clone(),
            Loss::Everything | Loss::Random(_) => {
                let mut content = self.durable.clone();
                for write in &self.unsynced {
                    write.survive(dice, &mut content);
                }
                content
            }
        };
        content.shrink_to_fit();
        Self {
            seen: content.clone(),
            durable: content,
            unsynced: Vec::new(),
        }
    }
}

impl Write {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Bytes(offset, bytes) => overwrite(content, *offset, bytes),
            Self::Length(length) => content.resize(*length as usize, 0),
        }
    }

    fn survive(&self, dice: &mut Dice, content: &mut Vec<u8>) {
        let Self::Bytes(offset, bytes) = self else {
            if dice.survives() {
                self.apply(content);
            }
            return;
        };
        match dice.roll(4) {
            0 => {}
            1 if dice.loss != Loss::Everything => overwrite(content, *offset, bytes),
            2 if dice.loss != Loss::Everything => {
                let some = dice.roll(bytes.len() as u64 + 1) as usize;
                overwrite(content, *offset, bytes.get(..some).unwrap_or_default());
            }
            _ => sectors(*offset, bytes, dice, content),
        }
    }
}

/// Each sector survives or not.
fn sectors(offset: u64, bytes: &[u8], dice: &mut Dice, content: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let position = offset + at as u64;
        let count = (SECTOR - position as usize % SECTOR).min(rest.len());
        if dice.survives() {
            overwrite(content, position, rest.get(..count).unwrap_or_default());
        }
        at += count;
    }
}

pub(super) fn overwrite(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let start = offset as usize;
    if content.len() < start + bytes.len() {
        content.resize(start + bytes.len(), 0);
    }
    if let Some(place) = content.get_mut(start..start + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Decides what survives.
pub(super) struct Dice {
    pub(super) loss: Loss,
    state: u64,
}

impl Dice {
    pub(super) fn new(loss: Loss) -> Self {
        let state = match loss {
            Loss::Random(seed) => seed,
            Loss::Everything | Loss::Nothing => 0,
        };
        Self { loss, state }
    }

    pub(super) fn survives(&mut self) -> bool {
        match self.loss {
            Loss::Everything => false,
            Loss::Nothing => true,
            Loss::Random(_) => self.roll(2) == 0,
        }
    }

    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides.max(1)
    }
}
