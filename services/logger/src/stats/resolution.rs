//! How finely and for how long figures are kept.
//!
//! Each level holds the newest slots of its step in rings, so that a series takes the same room for
//! ever: 49, 35 and 75 pieces of 60 slots, 12 octets a slot, and those that still fill, about 125 kB
//! in all.

/// Slots of one piece, the unit in which slots are packed and replaced.
pub const PIECE: i64 = 60;

/// One resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Its number in the database.
    pub number: i64,
    /// Seconds of a slot.
    pub step: i64,
    /// Whole pieces that are kept.
    pub pieces: i64,
}

/// A minute for two days, ten minutes for two weeks, two hours for a year. Each step divides the next
/// one, and a piece of one level ends where a slot of the next one does: see [`crate::stats::store`].
pub const LEVELS: [Level; 3] = [
    Level {
        number: 0,
        step: 60,
        pieces: 49,
    },
    Level {
        number: 1,
        step: 600,
        pieces: 35,
    },
    Level {
        number: 2,
        step: 7_200,
        pieces: 75,
    },
];

impl Level {
    /// Seconds of a piece.
    #[must_use]
    pub const fn span(self) -> i64 {
        self.step * PIECE
    }

    /// How long a slot can be read at least, in seconds.
    #[must_use]
    pub const fn kept(self) -> i64 {
        self.span() * (self.pieces - 1)
    }

    /// Where the piece that begins then has its place in the ring.
    #[must_use]
    pub const fn ring(self, start: i64) -> i64 {
        start.div_euclid(self.span()).rem_euclid(self.pieces)
    }

    /// The finest level that reaches back so many seconds; the coarsest where none does.
    #[must_use]
    pub fn reaching(back: i64) -> Self {
        let found = LEVELS.into_iter().find(|level| level.kept() >= back);
        let [.., last] = LEVELS;
        found.unwrap_or(last)
    }
}

/// The largest multiple of `step` that is not after `at`.
#[must_use]
pub const fn floor(at: i64, step: i64) -> i64 {
    at - at.rem_euclid(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_reach_as_far_as_is_promised_and_fit_into_each_other() {
        const DAY: i64 = 86_400;
        let kept: Vec<i64> = LEVELS.iter().map(|level| level.kept() / DAY).collect();
        assert_eq!(kept, [2, 14, 370]);
        for (fine, coarse) in LEVELS.iter().zip(&LEVELS[1..]) {
            assert_eq!(coarse.step % fine.step, 0);
            assert_eq!(fine.span() % coarse.step, 0);
        }
        assert_eq!(Level::reaching(DAY).step, 60);
        assert_eq!(Level::reaching(3 * DAY).step, 600);
        assert_eq!(Level::reaching(300 * DAY).step, 7_200);
        assert_eq!(Level::reaching(3_000 * DAY).step, 7_200);
    }

    #[test]
    fn a_ring_gives_every_piece_that_is_kept_a_place_of_its_own() {
        for level in LEVELS {
            let starts = (0..level.pieces)
                .map(|piece| 1_790_000_000 / level.span() * level.span() + piece * level.span());
            let mut places: Vec<i64> = starts.map(|start| level.ring(start)).collect();
            places.sort_unstable();
            assert_eq!(places, (0..level.pieces).collect::<Vec<_>>());
        }
    }
}
