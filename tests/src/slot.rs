//! A range of ports for one suite.
//!
//! `roostctl dev --offset N` adds N to every well-known port. A slot is an offset that no other
//! running test has: a locked file stands for it, and the lock ends with the process.

use std::fs::File;
use std::net::TcpListener;

/// Below the range from which the kernel takes ports for outgoing connections (32768), above the
/// ports of ordinary services. The step is no difference of two of the suite's ports.
const FIRST: u16 = 10_050;
const STEP: u16 = 313;
const COUNT: u16 = 40;

/// The ports (before the offset) that are tried, to see whether a slot is free on this machine.
const PROBED: [u16; 8] = [25, 143, 389, 587, 993, 7025, 7143, 7190];

/// An offset held until the value is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) offset: u16,
    _lock: File,
}

impl Slot {
    /// Takes a free slot.
    pub(crate) fn take() -> Self {
        let folder = std::env::temp_dir().join("roost-test-slots");
        std::fs::create_dir_all(&folder).unwrap();
        for index in 0..COUNT {
            let offset = FIRST + index * STEP;
            let lock = File::create(folder.join(offset.to_string())).unwrap();
            if lock.try_lock().is_ok() && PROBED.iter().all(|port| free(port + offset)) {
                return Self {
                    offset,
                    _lock: lock,
                };
            }
        }
        panic!("no free range of ports among {COUNT} from offset {FIRST} on");
    }
}

fn free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
