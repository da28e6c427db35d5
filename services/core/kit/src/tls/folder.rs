//! Certificates in a folder, a file a name, read when somebody asks for the name: any number of
//! domains, of which those in use are in memory.
//!
//! `mail.example.org.pem` is for that name, `_.example.org.pem` for all names one label below (RFC
//! 9525 §6.3). A file holds the key and the chain.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustls::sign::CertifiedKey;

use super::TlsError;
use super::server::{Stamp, read_pair};
use crate::clock::Clock;
use crate::fields::Chain;

/// Names that are remembered, with a certificate or without: about 5 KB each.
const NAMES_MAX: usize = 10_000;
/// How long it is not looked whether a file has changed, or has come.
const FRESH: Duration = Duration::from_secs(5);

/// The certificates of a folder.
pub(super) struct Folder {
    path: PathBuf,
    clock: Clock,
    names: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    looked: Instant,
    used: Instant,
    stamp: Stamp,
    /// Nothing where the name has no usable file.
    key: Option<Arc<CertifiedKey>>,
}

impl Folder {
    pub(super) fn new(path: PathBuf, clock: Clock) -> Self {
        Self {
            path,
            clock,
            names: Mutex::default(),
        }
    }

    /// The certificate for a name in lower case.
    pub(super) fn get(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        // A name of DNS; nothing that leads elsewhere.
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._".contains(&octet);
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
            return None;
        }
        let own = self.read(name);
        own.or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.read(&format!("_.{parent}"))
        })
    }

    /// How many names are in memory.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.names.lock().len()
    }

    fn read(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let now = self.clock.instant();
        let file = self.path.join(format!("{name}.pem"));
        let mut names = self.names.lock();
        if let Some(entry) = names.get_mut(name) {
            entry.used = now;
            if now.saturating_duration_since(entry.looked) < FRESH {
                return entry.key.clone();
            }
            entry.looked = now;
            let stamp = Stamp::of(&file);
            if stamp == entry.stamp {
                return entry.key.clone();
            }
            // A change that cannot be read keeps what was.
            if let Some(key) = load(&file, &stamp) {
                entry.key = Some(key);
            } else if stamp.is_absent() {
                entry.key = None;
            }
            entry.stamp = stamp;
            return entry.key.clone();
        }
        let stamp = Stamp::of(&file);
        let key = load(&file, &stamp);
        make_room(&mut names);
        let entry = Entry {
            looked: now,
            used: now,
            stamp,
            key: key.clone(),
        };
        names.insert(name.to_owned(), entry);
        key
    }
}

fn load(file: &Path, stamp: &Stamp) -> Option<Arc<CertifiedKey>> {
    if stamp.is_absent() {
        return None;
    }
    let read: Result<_, TlsError> = read_pair(file, file, None);
    match read {
        Ok(key) => Some(Arc::new(key)),
        Err(error) => {
            tracing::error!(error = %Chain(&error), "a certificate cannot be used");
            None
        }
    }
}

/// Forgets the half that was not asked for longest, where there are too many.
fn make_room(names: &mut HashMap<String, Entry>) {
    if names.len() < NAMES_MAX {
        return;
    }
    let mut used: Vec<Instant> = names.values().map(|entry| entry.used).collect();
    let middle = used.len() / 2;
    let (_, middle, _) = used.select_nth_unstable(middle);
    let middle = *middle;
    names.retain(|_, entry| entry.used > middle);
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn put(folder: &Path, name: &str) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.replace('_', "*")])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let text = format!("{}{}", key.serialize_pem(), certificate.pem());
        std::fs::write(folder.join(format!("{name}.pem")), text).unwrap();
    }

    #[test]
    fn a_certificate_is_read_when_it_is_asked_for_and_again_when_it_changes() {
        let scratch = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let folder = Folder::new(scratch.path().to_owned(), clock.clone());
        put(scratch.path(), "a.test");
        put(scratch.path(), "_.b.test");
        assert_eq!(folder.len(), 0);
        let first = folder.get("a.test").unwrap();
        assert!(folder.get("x.b.test").is_some());
        for none in [
            "b.test",
            "x.y.b.test",
            "c.test",
            "../a.test",
            "",
            ".",
            "a.test/",
        ] {
            assert!(folder.get(none).is_none(), "{none}");
        }
        std::fs::write(scratch.path().join("a.test.pem"), "broken").unwrap();
        clock.advance(FRESH);
        assert_eq!(
            folder.get("a.test").unwrap().cert,
            first.cert,
            "what was is kept"
        );
        put(scratch.path(), "a.test");
        put(scratch.path(), "c.test");
        clock.advance(FRESH);
        assert_ne!(folder.get("a.test").unwrap().cert, first.cert);
        assert!(folder.get("c.test").is_some());
        std::fs::remove_file(scratch.path().join("c.test.pem")).unwrap();
        clock.advance(FRESH);
        assert!(folder.get("c.test").is_none());
    }
}
