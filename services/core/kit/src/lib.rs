//! What every Roost daemon needs once.
