//! SQLite's files, in memory.

use std::path::Path;

const DATABASE: &str = "meta.sqlite";
const LOG: &str = "meta.sqlite-wal";

/// The database and its log.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    database: Option<Vec<u8>>,
    log: Option<Vec<u8>>,
}

impl Files {
    /// What is in a folder.
    pub(super) fn read(folder: &Path) -> Self {
        Self {
            log: std::fs::read(folder.join(LOG)).ok(),
            database: std::fs::read(folder.join(DATABASE)).ok(),
        }
    }

    /// Makes the folder, and puts them there.
    pub(super) fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        for (name, bytes) in [(DATABASE, &self.database), (LOG, &self.log)] {
            if let Some(bytes) = bytes {
                std::fs::write(folder.join(name), bytes).unwrap();
            }
        }
    }

    /// With the log cut somewhere behind what was `durable` of it.
    pub(super) fn cut(&self, durable: &Self, seed: u64) -> Self {
        let Some(log) = &self.log else {
            return self.clone();
        };
        let kept = match &durable.log {
            Some(durable) if log.starts_with(durable) => durable.len(),
            // Begun anew since: what was in it before is in the database.
            _ => 0,
        };
        let some = kept + (seed >> 8) as usize % (log.len() - kept + 1);
        Self {
            database: self.database.clone(),
            log: Some(log[..some].to_vec()),
        }
    }
}
