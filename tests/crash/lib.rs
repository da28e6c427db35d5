//! The crash matrix: the engine of mailboxes and the mta's queue on a simulated disk, with a fault
//! at every call that changes the disk, one by one. `short.rs` runs a part of it as a test,
//! `whole.rs` all of it as `make crash`; `matrix.rs` is both.
