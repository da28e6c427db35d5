//! A certificate authority of this installation's own, and the certificate of its servers. It serves
//! until the administrator has one that the world trusts, and always for `roostctl dev`.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use roost_kit::clock::Clock;
use roost_kit::config::{CertificateFiles, TlsSettings};
use roost_kit::disk::{Disk as _, RealDisk};
use roost_kit::tls::Tls;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;

use crate::failure::{Exit, Failure};

const AUTHORITY_DAYS: i64 = 3650;
/// Programs refuse longer ones (CA/Browser Forum: 398).
const SERVER_DAYS: i64 = 390;
/// A certificate that ends sooner is made anew.
const RENEW_DAYS: i64 = 30;

/// A folder with `ca.crt`, `ca.key`, `server.crt` and `server.key`, each for its owner alone.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    pub(crate) folder: PathBuf,
    /// What the authority calls itself.
    pub(crate) name: String,
    /// What the servers are called: host names and addresses. The first is the subject.
    pub(crate) names: Vec<String>,
}

impl Authority {
    /// The authority's certificate, which clients are told to trust.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// The files of the servers' certificate.
    pub(crate) fn server(&self) -> CertificateFiles {
        CertificateFiles {
            certificate: self.folder.join("server.crt"),
            key: self.folder.join("server.key"),
            ocsp: None,
        }
    }

    fn own(&self) -> CertificateFiles {
        CertificateFiles {
            certificate: self.ca(),
            key: self.folder.join("ca.key"),
            ocsp: None,
        }
    }

    /// Makes what is missing, broken, about to end or of other names; true if the servers have a new
    /// certificate.
    pub(crate) fn ensure(&self) -> Result<bool, Failure> {
        let now = Clock::system().now();
        if !lasts(&self.own(), now) {
            self.make_own(now)?;
        } else if lasts(&self.server(), now) && self.is_named(&self.server().certificate) {
            return Ok(false);
        }
        self.make_server(now)?;
        Ok(true)
    }

    /// Whether `ensure` would change nothing.
    pub(crate) fn is_current(&self) -> bool {
        let now = Clock::system().now();
        lasts(&self.own(), now)
            && lasts(&self.server(), now)
            && self.is_named(&self.server().certificate)
    }

    fn is_named(&self, certificate: &Path) -> bool {
        let mut wanted = self.names.clone();
        wanted.sort();
        wanted.dedup();
        fs::read(certificate).is_ok_and(|pem| names_of(&pem) == wanted)
    }

    fn make_own(&self, now: Timestamp) -> Result<(), Failure> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.distinguished_name = name(&self.name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, now, AUTHORITY_DAYS);
        let certificate = params.self_signed(&key).map_err(failed)?;
        write(&self.own().key, key.serialize_pem().as_bytes())?;
        write(&self.ca(), certificate.pem().as_bytes())
    }

    fn make_server(&self, now: Timestamp) -> Result<(), Failure> {
        let ca_key = KeyPair::from_pem(&read(&self.own().key)?).map_err(failed)?;
        let issuer = Issuer::from_ca_cert_pem(&read(&self.ca())?, ca_key).map_err(failed)?;
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(self.names.clone()).map_err(failed)?;
        params.distinguished_name = name(self.names.first().map_or("localhost", String::as_str));
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, now, SERVER_DAYS);
        let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
        let server = self.server();
        write(&server.key, key.serialize_pem().as_bytes())?;
        write(&server.certificate, certificate.pem().as_bytes())
    }
}

/// Whether a certificate and its key can be used for some time yet.
fn lasts(files: &CertificateFiles, now: Timestamp) -> bool {
    let settings = TlsSettings {
        certificates: vec![files.clone()],
        ..TlsSettings::default()
    };
    let expires = Tls::load(&settings).ok().and_then(|tls| tls.expires());
    expires.is_some_and(|end| end.duration_since(now).as_secs() > RENEW_DAYS * 86_400)
}

/// The names in a certificate, sorted; none where it cannot be read.
fn names_of(pem: &[u8]) -> Vec<String> {
    let Ok((_, pem)) = parse_x509_pem(pem) else {
        return Vec::new();
    };
    let Ok(certificate) = pem.parse_x509() else {
        return Vec::new();
    };
    let Ok(Some(alternative)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let mut names: Vec<String> = alternative
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(octets) => address(octets),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

fn address(octets: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(octets).map(|four| std::net::IpAddr::from(four).to_string());
    let v6 = <[u8; 16]>::try_from(octets).map(|all| std::net::IpAddr::from(all).to_string());
    v4.or(v6).ok()
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))
}

fn write(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    RealDisk
        .write_atomically(path, octets)
        .map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error))
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// From yesterday, for clocks that are behind. rcgen's own default ends in the year 4096.
fn set_validity(params: &mut CertificateParams, now: Timestamp, days: i64) {
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    let moved = |days: i64| {
        let date: Date = today.saturating_add(Span::new().days(days));
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        date_time_ymd(i32::from(date.year()), month, day)
    };
    params.not_before = moved(-1);
    params.not_after = moved(days);
}

fn failed(error: rcgen::Error) -> Failure {
    Failure::because(
        Exit::Failed,
        "certificate",
        "cannot make a certificate",
        &error,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(folder: &Path, names: &[&str]) -> Authority {
        Authority {
            folder: folder.to_owned(),
            name: "Test authority".to_owned(),
            names: names.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn certificates_are_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let authority = authority(folder.path(), &["mail.example.test", "127.0.0.1", "::1"]);
        assert!(!authority.is_current());
        assert!(authority.ensure().unwrap());
        assert!(authority.is_current());
        assert!(!authority.ensure().unwrap());
        fs::write(authority.server().certificate, b"broken").unwrap();
        assert!(authority.ensure().unwrap());
        assert!(authority.is_current());
    }

    #[test]
    fn other_names_are_another_certificate_of_the_same_authority() {
        let folder = tempfile::tempdir().unwrap();
        let before = authority(folder.path(), &["mail.example.test"]);
        before.ensure().unwrap();
        let ca = fs::read(before.ca()).unwrap();
        let after = authority(folder.path(), &["mail.example.org", "192.0.2.1"]);
        assert!(after.ensure().unwrap());
        assert_eq!(fs::read(after.ca()).unwrap(), ca);
        let pem = fs::read(after.server().certificate).unwrap();
        assert_eq!(names_of(&pem), ["192.0.2.1", "mail.example.org"]);
    }
}
