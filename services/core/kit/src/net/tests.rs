//! Services on real sockets.

use std::path::PathBuf;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::config::{CertificateFiles, Listen, TlsSettings};
use crate::metrics::Metrics;
use crate::tasks::Tasks;
use crate::tls::{self, Tls};

const PATIENCE: Duration = Duration::from_secs(10);

struct Node {
    folder: TempDir,
    tasks: Tasks,
    tls: Tls,
    metrics: Metrics,
}

impl Node {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            tasks: Tasks::new(),
            tls: Tls::none(),
            metrics: Metrics::new("roost-test", "0"),
        }
    }

    /// A node with a certificate for each name; each is its own authority.
    fn with_certificates(names: &[&str]) -> Self {
        let mut node = Self::new();
        let certificates = names.iter().map(|name| node.certificate(name)).collect();
        let settings = TlsSettings {
            certificates,
            ..TlsSettings::default()
        };
        node.tls = Tls::load(&settings).unwrap();
        node
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn certificate(&self, name: &str) -> CertificateFiles {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let files = CertificateFiles {
            certificate: self.path(&format!("{name}.crt")),
            key: self.path(&format!("{name}.key")),
        };
        std::fs::write(&files.certificate, certificate.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    fn service(&self, security: Security, limits: ConnectionLimits) -> Service {
        Service {
            name: "echo",
            listen: "127.0.0.1:0".parse().into_iter().collect::<Listen>(),
            security,
            admission: Admission::new("echo", limits, &self.metrics),
            busy: b"too many\r\n",
        }
    }

    /// Serves whatever a connection says back, after STARTTLS where `S` is said first.
    fn serve(&self, service: Service) -> Result<ListenSpec, NetError> {
        let tls = self.tls.clone();
        let draining = self.tasks.draining();
        let handle = move |stream| echo(stream, tls.clone(), draining.clone());
        let sockets = Sockets::default();
        let places = super::serve(&sockets, &self.tasks, &self.tls, service, handle)?;
        Ok(places[0].clone())
    }
}

async fn echo(mut stream: Stream, tls: Tls, draining: tokio_util::sync::CancellationToken) {
    let mut first = [0];
    tokio::select! {
        read = stream.read_exact(&mut first) => if read.is_err() {
            return;
        },
        () = draining.cancelled() => {
            stream.write_all(b"bye").await.unwrap();
            return;
        }
    }
    if first == *b"S" {
        stream = stream.upgrade(&tls).await.unwrap();
    }
    let told = stream
        .tls()
        .map(|tls| format!("{} {:?}", tls.version, tls.server_name));
    let told = format!("{} {:?}", stream.is_secure(), told);
    stream.write_all(told.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

async fn heard(mut stream: Stream) -> String {
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    heard
}

#[tokio::test]
async fn a_stream_becomes_tls_and_the_name_chooses_the_certificate() {
    let node = Node::with_certificates(&["one.test", "two.test"]);
    let service = node.service(Security::Clear, ConnectionLimits::default());
    let place = node.serve(service).unwrap();
    for name in ["one.test", "two.test"] {
        let mut stream = Stream::connect(&place, PATIENCE).await.unwrap();
        assert!(stream.is_secure() && !stream.is_tls());
        stream.write_all(b"S").await.unwrap();
        let config = tls::verified(Some(&node.path(&format!("{name}.crt")))).unwrap();
        let stream = stream.secure(config, name).await.unwrap();
        assert_eq!(stream.tls().unwrap().version, "TLSv1.3");
        let expected = format!("true Some(\"TLSv1.3 Some(\\\"{name}\\\")\")");
        assert_eq!(heard(stream).await, expected);
    }
}

#[tokio::test]
async fn a_client_that_verifies_refuses_an_impostor_and_one_that_does_not_goes_on() {
    let node = Node::with_certificates(&["one.test"]);
    let other = node.certificate("other.test");
    let service = node.service(Security::Tls, ConnectionLimits::default());
    let place = node.serve(service).unwrap();
    let connect = || Stream::connect(&place, PATIENCE);
    let strict = tls::verified(Some(&other.certificate)).unwrap();
    let refused = connect().await.unwrap().secure(strict, "one.test").await;
    assert!(matches!(refused, Err(NetError::Handshake(_))));
    let lenient = tls::opportunistic().unwrap();
    let mut stream = connect()
        .await
        .unwrap()
        .secure(lenient, "x.test")
        .await
        .unwrap();
    stream.write_all(b".").await.unwrap();
    assert!(heard(stream).await.starts_with("true Some(\"TLSv1.3"));
}

#[tokio::test]
async fn tls_without_a_certificate_is_refused_at_start() {
    let node = Node::new();
    let service = node.service(Security::Tls, ConnectionLimits::default());
    let error = node.serve(service).unwrap_err();
    assert!(error.to_string().contains("tls.certificates"), "{error}");
}

#[tokio::test]
async fn a_connection_over_the_limit_is_told_and_the_rest_say_bye_at_the_drain() {
    let node = Node::new();
    let limits = ConnectionLimits {
        total: 1,
        per_address: 1,
    };
    let place = node.serve(node.service(Security::Clear, limits)).unwrap();
    let first = Stream::connect(&place, PATIENCE).await.unwrap();
    // The first is let in before the second: connections are accepted in order.
    let second = Stream::connect(&place, PATIENCE).await.unwrap();
    assert_eq!(heard(second).await, "too many\r\n");
    let (drained, bye) = tokio::join!(node.tasks.shut_down(PATIENCE), heard(first));
    assert_eq!((drained.sessions_cut, bye.as_str()), (0, "bye"));
    let refused = "roost_test_echo_connections_refused_total{limit=\"total\"} 1";
    assert!(
        node.metrics.text().contains(refused),
        "{}",
        node.metrics.text()
    );
}

#[tokio::test]
async fn a_place_that_is_taken_is_named() {
    let node = Node::new();
    let place = node
        .serve(node.service(Security::Clear, ConnectionLimits::default()))
        .unwrap();
    let mut again = node.service(Security::Clear, ConnectionLimits::default());
    again.listen = [place.clone()].into_iter().collect();
    let text = node.serve(again).unwrap_err().to_string();
    assert!(
        text.contains(&place.to_string()) && text.contains("ss -ltnp"),
        "{text}"
    );
}
