//! A certificate authority for this suite alone, and the certificate of its servers.

use std::fs;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use roost_kit::clock::Clock;
use roost_kit::config::{CertificateFiles, TlsSettings};
use roost_kit::tls::Tls;

use super::state::State;
use crate::failure::{Exit, Failure};

/// What the servers are called.
const NAMES: [&str; 5] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "mail.example.test",
    "example.test",
];
const AUTHORITY_DAYS: i64 = 3650;
/// Programs refuse longer ones (CA/Browser Forum: 398).
const SERVER_DAYS: i64 = 390;
/// A certificate that ends sooner is made anew.
const RENEW_DAYS: i64 = 30;

const CA_CERTIFICATE: &str = "tls/ca.crt";
const CA_KEY: &str = "tls/ca.key";
const CERTIFICATE: &str = "tls/server.crt";
const KEY: &str = "tls/server.key";

/// The files of the servers' certificate.
pub(super) fn server_files(state: &State) -> CertificateFiles {
    CertificateFiles {
        certificate: state.path(CERTIFICATE),
        key: state.path(KEY),
    }
}

/// Makes what is missing, broken or about to end.
pub(super) fn ensure(state: &State) -> Result<(), Failure> {
    let now = Clock::system().now();
    let authority = CertificateFiles {
        certificate: state.path(CA_CERTIFICATE),
        key: state.path(CA_KEY),
    };
    if !lasts(&authority, now) {
        make_authority(state, now)?;
    } else if lasts(&server_files(state), now) {
        return Ok(());
    }
    make_server(state, now)
}

fn lasts(files: &CertificateFiles, now: Timestamp) -> bool {
    let settings = TlsSettings {
        certificates: vec![files.clone()],
        ..TlsSettings::default()
    };
    let expires = Tls::load(&settings).ok().and_then(|tls| tls.expires());
    expires.is_some_and(|end| end.duration_since(now).as_secs() > RENEW_DAYS * 86_400)
}

fn make_authority(state: &State, now: Timestamp) -> Result<(), Failure> {
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
    params.distinguished_name = name("Roost dev authority (this machine only)");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, now, AUTHORITY_DAYS);
    let certificate = params.self_signed(&key).map_err(failed)?;
    state.write(CA_KEY, key.serialize_pem().as_bytes())?;
    state.write(CA_CERTIFICATE, certificate.pem().as_bytes())
}

fn make_server(state: &State, now: Timestamp) -> Result<(), Failure> {
    let read = |file: &str| {
        let path = state.path(file);
        fs::read_to_string(&path)
            .map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))
    };
    let ca_key = KeyPair::from_pem(&read(CA_KEY)?).map_err(failed)?;
    let issuer = Issuer::from_ca_cert_pem(&read(CA_CERTIFICATE)?, ca_key).map_err(failed)?;
    let key = KeyPair::generate().map_err(failed)?;
    let names: Vec<String> = NAMES.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name = name("mail.example.test");
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, SERVER_DAYS);
    let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
    state.write(KEY, key.serialize_pem().as_bytes())?;
    state.write(CERTIFICATE, certificate.pem().as_bytes())
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

    #[test]
    fn certificates_are_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path(), false).unwrap();
        ensure(&state).unwrap();
        let first = state.read(CERTIFICATE).unwrap();
        assert!(lasts(&server_files(&state), Clock::system().now()));
        ensure(&state).unwrap();
        assert_eq!(state.read(CERTIFICATE).unwrap(), first);
        state.write(CERTIFICATE, b"broken").unwrap();
        ensure(&state).unwrap();
        assert!(lasts(&server_files(&state), Clock::system().now()));
    }
}
