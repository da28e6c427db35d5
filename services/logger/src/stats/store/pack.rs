//! Sixty slots in 720 octets: mean, least and greatest of each as 32-bit floats, little-endian. A slot
//! that was not seen is three times NaN.

use super::Point;
use crate::stats::minute::Slot;
use crate::stats::resolution::{Level, PIECE};

const SLOT: usize = 12;

/// A piece, as it is kept.
pub(super) struct Packed {
    /// When it begins, in seconds since 1970.
    pub(super) start: i64,
    pub(super) slots: Vec<u8>,
}

impl Packed {
    /// An empty piece, or one that has slots already.
    pub(super) fn new(start: i64, slots: Option<Vec<u8>>) -> Self {
        let whole = SLOT * usize::try_from(PIECE).unwrap_or_default();
        let nothing = f32::NAN.to_le_bytes();
        let slots = slots.filter(|slots| slots.len() == whole);
        let slots = slots.unwrap_or_else(|| nothing.repeat(whole / nothing.len()));
        Self { start, slots }
    }

    /// Puts the slot that begins at `at`; one outside the piece is none of it.
    pub(super) fn put(&mut self, at: i64, level: Level, figures: [f64; 3]) {
        let place = at.saturating_sub(self.start).div_euclid(level.step);
        let Ok(place) = usize::try_from(place) else {
            return;
        };
        let octets: Vec<u8> = figures
            .into_iter()
            .flat_map(|figure| single(figure).to_le_bytes())
            .collect();
        if let Some(slot) = self.slots.chunks_exact_mut(SLOT).nth(place) {
            slot.copy_from_slice(&octets);
        }
    }
}

/// The slots of a piece that were seen.
pub(super) fn unpack(start: i64, level: Level, slots: &[u8]) -> Vec<Point> {
    let starts = (0..PIECE).map(|place| start.saturating_add(place * level.step));
    let points = starts
        .zip(slots.chunks_exact(SLOT))
        .filter_map(|(at, octets)| {
            let mut figures = octets.chunks_exact(4).map(|four| {
                let four: [u8; 4] = four.try_into().unwrap_or([0xff; 4]);
                f64::from(f32::from_le_bytes(four))
            });
            let slot = Slot {
                mean: figures.next()?,
                low: figures.next()?,
                high: figures.next()?,
                count: 1,
            };
            (!slot.mean.is_nan()).then_some(Point { at, slot })
        });
    points.collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "seven digits are enough for a chart, and a conversion from a float saturates"
)]
const fn single(figure: f64) -> f32 {
    figure as f32
}
