//! The server side: certificates chosen by the name that the client asks for, read again when their
//! files change.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::folder::Folder;
use super::tickets::{SECRET_MIN, Tickets};
use super::{TlsError, provider};
use crate::clock::Clock;
use crate::config::{CertificateFiles, TlsSettings, TlsVersion};
use crate::secret::Secret;

/// The certificates of this node and the server configuration that uses them; cheap to clone.
///
/// Sessions that are open keep what they negotiated; a reload concerns later handshakes.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Mutex<TlsSettings>,
    stamps: Mutex<Vec<Stamp>>,
    certificates: Arc<Certificates>,
    config: ArcSwapOption<ServerConfig>,
    /// The same for who speaks HTTP.
    web: ArcSwapOption<ServerConfig>,
}

/// The protocols that are offered to who speaks HTTP (RFC 7301 §6), the wanted one first.
const WEB_PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

impl Tls {
    /// No certificates: TLS is not offered.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new(Inner {
            settings: Mutex::default(),
            stamps: Mutex::default(),
            certificates: Arc::default(),
            config: ArcSwapOption::empty(),
            web: ArcSwapOption::empty(),
        }))
    }

    /// Reads the certificates that `settings` name, and checks that each key belongs to its
    /// certificate.
    pub fn load(settings: &TlsSettings) -> Result<Self, TlsError> {
        let tls = Self::none();
        tls.reconfigure(settings)?;
        Ok(tls)
    }

    /// Replaces settings and certificates. After an error everything is as before.
    pub fn reconfigure(&self, settings: &TlsSettings) -> Result<(), TlsError> {
        let inner = &self.0;
        let stamps = stamps(settings);
        // A change that cannot be read is not tried again until it changes once more.
        *inner.stamps.lock() = stamps;
        let loaded = settings
            .certificates
            .iter()
            .map(load_pair)
            .collect::<Result<Vec<_>, _>>()?;
        let config = match loaded.is_empty() {
            true => None,
            false => Some(server_config(settings, Arc::clone(&inner.certificates))?),
        };
        let folder = settings.folder.as_ref();
        let folder = folder.map(|path| Arc::new(Folder::new(path.clone(), Clock::system())));
        inner.certificates.folder.store(folder);
        inner.certificates.listed.store(Arc::new(loaded));
        inner.web.store(config.clone().map(|mut config| {
            config.alpn_protocols = WEB_PROTOCOLS.map(<[u8]>::to_vec).to_vec();
            Arc::new(config)
        }));
        inner.config.store(config.map(Arc::new));
        *inner.settings.lock() = settings.clone();
        Ok(())
    }

    /// Reads the certificates again. After an error the old ones stay in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let settings = self.0.settings.lock().clone();
        self.reconfigure(&settings)
    }

    /// Whether a file has changed since it was last read.
    #[must_use]
    pub fn changed(&self) -> bool {
        let now = stamps(&self.0.settings.lock());
        *self.0.stamps.lock() != now
    }

    /// Whether TLS can be offered.
    #[must_use]
    pub fn available(&self) -> bool {
        self.0.config.load().is_some()
    }

    /// What a handshake is done with, if TLS is available.
    #[must_use]
    pub fn acceptor(&self) -> Option<TlsAcceptor> {
        self.0.config.load_full().map(TlsAcceptor::from)
    }

    /// The same for HTTP: the client chooses between HTTP/2 and HTTP/1.1.
    #[must_use]
    pub fn web_acceptor(&self) -> Option<TlsAcceptor> {
        self.0.web.load_full().map(TlsAcceptor::from)
    }

    /// As [`Tls::acceptor`], for clients that only send, and where `clients_of` (a PEM file) is given
    /// must prove themselves by a certificate of that authority. None if TLS is not available.
    ///
    /// Such a client never reads the tickets that TLS 1.3 sends after the handshake. When it closes its
    /// socket with those unread, its system resets the connection, and what it has sent last is lost:
    /// so it gets none.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn one_way_acceptor(
        &self,
        clients_of: Option<&Path>,
    ) -> Result<Option<TlsAcceptor>, TlsError> {
        if !self.available() {
            return Ok(None);
        }
        let minimum = self.0.settings.lock().minimum;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions(minimum))?;
        let builder = match clients_of {
            None => builder.with_no_client_auth(),
            Some(ca) => builder.with_client_cert_verifier(client_verifier(ca)?),
        };
        let mut config = builder.with_cert_resolver(Arc::clone(&self.0.certificates) as _);
        config.send_tls13_tickets = 0;
        Ok(Some(TlsAcceptor::from(Arc::new(config))))
    }

    /// How long a client may take for its handshake.
    #[must_use]
    pub fn handshake_timeout(&self) -> Duration {
        self.0.settings.lock().handshake_timeout.duration()
    }

    /// When the first of the certificates ends.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.0
            .certificates
            .listed
            .load()
            .iter()
            .map(|one| one.expires)
            .min()
    }
}

fn server_config(
    settings: &TlsSettings,
    certificates: Arc<Certificates>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions(settings.minimum))?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.ticketer = match &settings.ticket_secret {
        Some(path) => Arc::new(Tickets::new(&read_secret(path)?, Clock::system())),
        None => rustls::crypto::aws_lc_rs::Ticketer::new()?,
    };
    Ok(config)
}

/// Lets in whoever has a certificate of an authority.
fn client_verifier(ca: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_chain(ca)? {
        roots
            .add(certificate)
            .map_err(|source| TlsError::Unusable {
                path: ca.to_owned(),
                source,
            })?;
    }
    let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    built.map_err(|error| TlsError::SetUp(rustls::Error::General(error.to_string())))
}

/// The versions of TLS, newest first.
static VERSIONS: [&SupportedProtocolVersion; 2] =
    [&rustls::version::TLS13, &rustls::version::TLS12];

fn versions(minimum: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    let count = match minimum {
        TlsVersion::Tls12 => 2,
        TlsVersion::Tls13 => 1,
    };
    VERSIONS.get(..count).unwrap_or_default()
}

/// The certificates in use.
#[derive(Default)]
struct Certificates {
    /// In the order of the settings.
    listed: ArcSwap<Vec<Certificate>>,
    /// By name, when they are asked for.
    folder: ArcSwapOption<Folder>,
}

struct Certificate {
    /// DNS names and addresses that it is for, in lower case.
    names: Vec<String>,
    expires: Timestamp,
    key: Arc<CertifiedKey>,
}

impl Certificate {
    /// How well it fits a name: itself, by wildcard (RFC 9525 §6.3: the leftmost label only), or not.
    fn fits(&self, name: &str) -> bool {
        let parent = name.split_once('.').map(|(_, parent)| parent);
        self.names
            .iter()
            .any(|own| own == name || (parent.is_some() && own.strip_prefix("*.") == parent))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.listed.load().iter().map(|one| &one.names))
            .finish()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificates = self.listed.load();
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let fitting: Vec<&Certificate> = match &name {
            Some(name) => certificates.iter().filter(|one| one.fits(name)).collect(),
            None => Vec::new(),
        };
        let schemes = hello.signature_schemes();
        if let Some(name) = name.as_ref().filter(|_| fitting.is_empty())
            && let Some(folder) = &*self.folder.load()
            && let Some(key) = folder.get(name)
            && key.key.choose_scheme(schemes).is_some()
        {
            return Some(key);
        }
        // A name that no certificate has gets the first one: the client decides what that is worth.
        let candidates = match fitting.is_empty() {
            true => certificates.iter().collect(),
            false => fitting,
        };
        candidates
            .iter()
            .find(|one| one.key.key.choose_scheme(schemes).is_some())
            .map(|one| Arc::clone(&one.key))
    }
}

fn load_pair(files: &CertificateFiles) -> Result<Certificate, TlsError> {
    let key = read_pair(&files.certificate, &files.key, files.ocsp.as_deref())?;
    let (names, expires) = match key.cert.first() {
        Some(certificate) => describe(&files.certificate, certificate)?,
        None => (Vec::new(), Timestamp::MAX),
    };
    Ok(Certificate {
        names,
        expires,
        key: Arc::new(key),
    })
}

/// A chain and its key, which may be in one file, and what is stapled to them (RFC 6066 §8).
pub(super) fn read_pair(
    certificate: &Path,
    key_file: &Path,
    ocsp: Option<&Path>,
) -> Result<CertifiedKey, TlsError> {
    let chain = read_chain(certificate)?;
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Unusable { path, source }
    };
    let key = PrivateKeyDer::from_pem_slice(&read(key_file)?).map_err(|_| TlsError::NotPem {
        path: key_file.to_owned(),
        expected: "private key",
    })?;
    let key = provider()
        .key_provider
        .load_private_key(key)
        .map_err(unusable(key_file))?;
    let mut key = CertifiedKey::new(chain, key);
    match key.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            return Err(TlsError::Mismatch {
                certificate: certificate.to_owned(),
                key: key_file.to_owned(),
            });
        }
        Err(error) => return Err(unusable(certificate)(error)),
    }
    key.ocsp = ocsp.map(read).transpose()?;
    Ok(key)
}

/// What tickets are made of.
fn read_secret(path: &Path) -> Result<Secret<Vec<u8>>, TlsError> {
    let secret = read(path)?;
    match secret.len() >= SECRET_MIN {
        true => Ok(Secret::new(secret)),
        false => Err(TlsError::Short {
            path: path.to_owned(),
        }),
    }
}

/// All certificates of a PEM file; at least one.
pub(super) fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let not_pem = || TlsError::NotPem {
        path: path.to_owned(),
        expected: "certificate",
    };
    let chain = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| not_pem())?;
    match chain.is_empty() {
        true => Err(not_pem()),
        false => Ok(chain),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// The names that a certificate is for, and when it ends.
fn describe(
    path: &Path,
    certificate: &CertificateDer<'_>,
) -> Result<(Vec<String>, Timestamp), TlsError> {
    let not_x509 = |problem: String| TlsError::NotX509 {
        path: path.to_owned(),
        problem,
    };
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|error| not_x509(error.to_string()))?;
    let alternatives = parsed
        .subject_alternative_name()
        .map_err(|error| not_x509(error.to_string()))?;
    let names = alternatives
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    let expires =
        Timestamp::from_second(parsed.validity().not_after.timestamp()).unwrap_or(Timestamp::MAX);
    Ok((names, expires))
}

/// What tells that a file was replaced or written to, without reading it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp(Option<(u64, u64, i64, i64)>);

impl Stamp {
    pub(super) fn of(path: &Path) -> Self {
        let metadata = fs::metadata(path).ok();
        Self(metadata.map(|file| (file.ino(), file.len(), file.mtime(), file.mtime_nsec())))
    }

    pub(super) const fn is_absent(&self) -> bool {
        self.0.is_none()
    }
}

fn stamps(settings: &TlsSettings) -> Vec<Stamp> {
    let pairs = settings.certificates.iter().flat_map(|pair| {
        let files = [Some(&pair.certificate), Some(&pair.key), pair.ocsp.as_ref()];
        files.into_iter().flatten()
    });
    pairs
        .chain(&settings.ticket_secret)
        .map(|path| Stamp::of(path))
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn make(folder: &Path, file: &str, names: &[&str]) -> CertificateFiles {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let certificate = CertificateParams::new(names)
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let files = CertificateFiles {
            certificate: folder.join(format!("{file}.crt")),
            key: folder.join(format!("{file}.key")),
            ocsp: None,
        };
        fs::write(&files.certificate, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    fn settings(certificates: &[&CertificateFiles]) -> TlsSettings {
        TlsSettings {
            certificates: certificates.iter().map(|files| (*files).clone()).collect(),
            minimum: TlsVersion::Tls12,
            ..TlsSettings::default()
        }
    }

    #[test]
    fn a_wildcard_is_one_label() {
        let folder = tempfile::tempdir().unwrap();
        let files = make(folder.path(), "a", &["mail.example.test", "*.example.org"]);
        let certificate = load_pair(&files).unwrap();
        for (name, fits) in [
            ("mail.example.test", true),
            ("imap.example.org", true),
            ("example.org", false),
            ("a.b.example.org", false),
            ("test", false),
        ] {
            assert_eq!(certificate.fits(name), fits, "{name}");
        }
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let one = make(folder.path(), "one", &["a.test"]);
        let two = make(folder.path(), "two", &["b.test"]);
        let mixed = CertificateFiles {
            certificate: one.certificate.clone(),
            key: two.key,
            ocsp: None,
        };
        let error = Tls::load(&settings(&[&mixed])).unwrap_err();
        assert!(matches!(error, TlsError::Mismatch { .. }), "{error}");
    }

    #[test]
    fn a_change_is_noticed_and_a_bad_one_keeps_the_old() {
        let folder = tempfile::tempdir().unwrap();
        let files = make(folder.path(), "a", &["a.test"]);
        let tls = Tls::load(&settings(&[&files])).unwrap();
        assert!(tls.available() && !tls.changed());
        make(folder.path(), "a", &["b.test"]);
        assert!(tls.changed());
        tls.reload().unwrap();
        assert!(!tls.changed());
        fs::write(&files.certificate, "no certificate").unwrap();
        assert!(tls.reload().is_err());
        assert!(tls.available());
        let names = tls.0.certificates.listed.load()[0].names.clone();
        assert_eq!(names, ["b.test"]);
    }

    #[test]
    fn without_certificates_there_is_no_tls() {
        let tls = Tls::load(&TlsSettings::default()).unwrap();
        assert!(!tls.available() && tls.acceptor().is_none() && !tls.changed());
    }
}
