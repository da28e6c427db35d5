//! Which of a domain's hosts gets a message, and how much TLS it must have.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use roost_kit::config::{CertificateFiles, TlsSettings};
use roost_kit::tls::Tls;

use super::*;
use crate::outbound::tls::Level;

/// Two hosts of outside.test that listen at the same port, the better one first.
async fn two_hosts(better: Script, other: Script) -> (Sink, Sink, Names) {
    loop {
        let first = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let port = first.local_addr().unwrap().port();
        // Somebody may have that port already.
        if let Ok(second) = TcpListener::bind(("127.0.0.3", port)).await {
            let mut names = outside(&[(10, "a.outside.test"), (20, "b.outside.test")]);
            for (name, address) in [
                ("a.outside.test", "127.0.0.2"),
                ("b.outside.test", "127.0.0.3"),
            ] {
                names.hosts.insert(name, address.parse().unwrap());
            }
            return (Sink::on(first, better), Sink::on(second, other), names);
        }
    }
}

#[tokio::test]
async fn the_next_host_is_asked_where_the_first_does_not_want_us() {
    let refusals = [
        Script {
            greeting: Some("421 4.3.2 too busy"),
            ..Script::default()
        },
        Script {
            greeting: Some("554 5.7.1 go away"),
            ..Script::default()
        },
        Script {
            mail: Some("421 4.3.2 closing"),
            ..Script::default()
        },
        Script {
            mail: Some(""),
            ..Script::default()
        },
    ];
    for refusal in refusals {
        let (first, second, names) = two_hosts(refusal, Script::default()).await;
        let stage = stage(nowhere().await, first.address(), names);
        stage.send(mail(&["x@outside.test"])).await;
        within("the second host", second.taken(1)).await;
        assert_eq!(first.connections(), 1);
        stage.until_empty().await;
    }
}

#[tokio::test]
async fn a_host_that_goes_away_and_has_no_other_beside_it_puts_the_mail_off() {
    let script = Script {
        mail: Some("421 4.3.2 closing"),
        ..Script::default()
    };
    let host = Sink::start(script).await;
    let names = outside(&[(10, "mx.outside.test")]);
    let stage = stage(nowhere().await, host.address(), names);
    let id = stage.send(mail(&["x@outside.test"])).await;
    let attempted = |queue: &Queue| {
        let message = queue.get(id);
        message.is_some_and(|message| message.progress[0].attempts == 1)
    };
    stage.until("the attempt", attempted).await;
    let message = stage.dispatcher.queue().get(id).unwrap();
    let last = message.progress[0].last.clone().unwrap();
    assert_eq!(last.fate, Fate::Deferred);
    assert!(last.text.contains("421 4.3.2 closing"), "{}", last.text);
    assert_eq!(host.connections(), 1);
}

#[tokio::test]
async fn a_domain_whose_best_host_is_this_one_is_a_loop() {
    let store = Sink::start(lmtp()).await;
    let ourselves = Script {
        name: Some("MX.example.test"),
        ..Script::default()
    };
    let (first, second, names) = two_hosts(ourselves, Script::default()).await;
    let stage = stage(store.address(), first.address(), names);
    stage.send(mail(&["x@outside.test"])).await;
    let taken = within("a notice", store.taken(1)).await;
    let notice = &taken[0].content;
    assert!(notice.contains("Status: 5.4.6"), "{notice}");
    assert_eq!(second.connections(), 0, "a worse host must not be used");
    stage.until_empty().await;
}

/// An authority, and a host's certificate by it.
fn certify(folder: &Path, name: &str) -> Tls {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let files = CertificateFiles {
        certificate: folder.join("host.crt"),
        key: folder.join("host.key"),
        ocsp: None,
    };
    fs::write(folder.join("ca.crt"), authority.pem()).unwrap();
    fs::write(&files.certificate, certificate.pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    let settings = TlsSettings {
        certificates: vec![files],
        ..TlsSettings::default()
    };
    Tls::load(&settings).unwrap()
}

/// What becomes of mail at this level to a host that offers TLS with a certificate for `name`, or
/// (`None`) does not: whether TLS was used, or why it waits.
async fn try_level(level: Level, name: Option<&str>) -> Result<bool, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::default();
    let mut policies = Policies::default();
    if let Some(name) = name {
        script.tls = Some(certify(folder.path(), name));
        script.offers.push("STARTTLS");
        policies.ca = Some(folder.path().join("ca.crt"));
    }
    policies.domains.insert("outside.test".to_owned(), level);
    if name.is_none() {
        // Whom would be trusted does not matter where there is no TLS; there must be somebody.
        certify(folder.path(), "x.test");
        policies.ca = Some(folder.path().join("ca.crt"));
    }
    let host = Sink::start(script).await;
    let names = outside(&[(10, "mx.outside.test")]);
    let stage = stage_with(nowhere().await, host.address(), names, policies);
    let id = stage.send(mail(&["x@outside.test"])).await;
    let mut why = None;
    let settled = |queue: &Queue| {
        why = stage.dispatcher.whereabouts(id).down.map(|(_, why)| why);
        queue.is_empty() || why.is_some()
    };
    stage.until("a result", settled).await;
    match why {
        Some(why) => Err(why),
        None => Ok(host.secured() > 0),
    }
}

#[tokio::test]
async fn mail_waits_where_the_tls_that_it_needs_cannot_be_had() {
    for (level, name, secured) in [
        (Level::None, Some("mx.outside.test"), false),
        (Level::May, None, false),
        (Level::May, Some("other.test"), true),
        (Level::Encrypt, Some("other.test"), true),
        (Level::Verify, Some("mx.outside.test"), true),
    ] {
        assert_eq!(
            try_level(level, name).await,
            Ok(secured),
            "{level:?} {name:?}"
        );
    }
    for (level, name, reason) in [
        (Level::Encrypt, None, "does not offer STARTTLS"),
        (Level::Verify, None, "does not offer STARTTLS"),
        (Level::Verify, Some("other.test"), "certificate"),
    ] {
        let why = try_level(level, name).await.unwrap_err();
        assert!(why.contains("TLS is required"), "{why}");
        assert!(why.contains(reason), "{why}");
        assert!(why.ends_with("(4.7.5)"), "{why}");
    }
}
