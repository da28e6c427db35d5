//! TLS: with which certificate a server answers, and whom a client trusts.

mod client;
mod folder;
mod server;
mod tickets;

pub use client::{opportunistic, verified};
pub use server::Tls;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The cryptography that all of Roost uses, named where a configuration is built, so that nothing
/// depends on which provider a process installed as its default.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Makes that cryptography the default of this process, for libraries that ask for the default.
/// A daemon's start does it; tests and `roostctl` call it themselves. Calling it twice is fine.
pub fn install_default_provider() {
    if CryptoProvider::get_default().is_none() {
        // Somebody was faster: there is a default, which is all that was wanted.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    }
}

/// Why certificates or trust anchors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no PEM block of the kind that is expected.
    #[error("{} holds no {expected} in PEM", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// `certificate` or `private key`.
        expected: &'static str,
    },
    /// A certificate or key is broken or of a kind that we do not use.
    #[error("{} cannot be used", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// A certificate is not X.509.
    #[error("{} is no X.509 certificate: {problem}", path.display())]
    NotX509 {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A secret is too short to be one.
    #[error("{} holds fewer than 32 octets (make it by: openssl rand -out FILE 48)", path.display())]
    Short {
        /// The file.
        path: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error("the key {} does not belong to the certificate {}", key.display(), certificate.display())]
    Mismatch {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// The system has no trust anchors.
    #[error("the system's certificate authorities cannot be read (install ca-certificates)")]
    NoRoots,
    /// A protocol choice that the library refuses.
    #[error("cannot set up TLS")]
    SetUp(#[from] rustls::Error),
}
