//! Lines on the disk.
//!
//! What arrives is appended to a journal ([`roost_journal`]), whose sync makes it durable: see
//! [`intake`]. One thread, the [`builder`], takes what is durable, in order, and makes blocks of it:
//! columns, compressed, with the terms by which a line can be found. When a day ends, or enough has
//! come, the blocks are written as one *segment* file, whole or not at all, and the journal gives its
//! copy up. So a kill loses nothing that was synced, and a file that is there is complete.
//!
//! | module | what it decides |
//! |---|---|
//! | [`line`] | what is kept of a line, and its bytes in the journal |
//! | [`intake`] | who waits for room, and who is turned away |
//! | [`block`] | lines ⇄ compressed columns |
//! | [`term`], [`index`] | by what lines are found, and in which blocks |
//! | [`segment`] | the bytes of a segment file |
//! | [`builder`] | when a block and when a segment is complete |
//! | [`reader`] | lines of a time, or with a term, newest or oldest first |
//! | [`retention`] | what is removed when |

pub mod block;
pub mod builder;
pub mod index;
pub mod intake;
pub mod line;
pub mod reader;
pub mod retention;
pub mod segment;
pub mod term;
#[cfg(test)]
mod tests;
mod varint;

pub use line::{Batch, Line, Source, Transport};
pub use reader::{Direction, Search, Store};
pub use segment::SegmentError;
pub use term::Term;
