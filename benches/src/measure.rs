//! What servers cost: CPU and private memory of whole process trees, flushes of the disk.

mod disk;
mod process;

pub(crate) use disk::Disk;
pub(crate) use process::{Tree, client_cpu};
