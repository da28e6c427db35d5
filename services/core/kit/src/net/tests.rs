//! Services on real sockets.

use std::path::PathBuf;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

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
    balancers: Networks,
}

impl Node {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            tasks: Tasks::new(),
            tls: Tls::none(),
            metrics: Metrics::new("roost-test", "0"),
            balancers: Networks::default(),
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
            ocsp: None,
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
        let ground = Ground {
            sockets: &sockets,
            tasks: &self.tasks,
            tls: &self.tls,
        };
        let places = super::serve(ground, service, &self.balancers, handle)?;
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
        ..ConnectionLimits::default()
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

#[tokio::test]
async fn a_balancer_says_who_the_client_is_and_nobody_else_can() {
    let mut node = Node::new();
    let strangers = node
        .serve(node.service(Security::Clear, ConnectionLimits::default()))
        .unwrap();
    node.balancers = Networks::loopback();
    let limits = ConnectionLimits {
        total: 10,
        per_address: 0,
        ..ConnectionLimits::default()
    };
    let place = node.serve(node.service(Security::Clear, limits)).unwrap();
    let announced = |header: &'static [u8], place: ListenSpec| async move {
        let mut stream = Stream::connect(&place, PATIENCE).await.unwrap();
        stream.write_all(header).await.unwrap();
        stream.write_all(b".").await.unwrap();
        let mut heard = Vec::new();
        // A refused connection is reset, as octets of ours lie unread in it.
        stream.read_to_end(&mut heard).await.ok();
        String::from_utf8(heard).unwrap()
    };
    let local = announced(b"PROXY UNKNOWN\r\n", place.clone()).await;
    assert_eq!(local, "true None");
    // Somebody else, and as such over the limit by address.
    let remote = announced(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", place.clone()).await;
    assert_eq!(remote, "too many\r\n");
    assert_eq!(announced(b"a1 NOOP\r\n", place).await, "");
    assert_eq!(
        announced(b"PROXY UNKNOWN\r\n", strangers).await,
        "true None"
    );
}

/// Two joined streams, and the far ends of both.
async fn joined() -> (Stream, Stream, JoinSet<(Severed, Relay)>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = ListenSpec::Address(listener.local_addr().unwrap());
    let mut ends = Vec::new();
    for _ in 0..2 {
        let far = Stream::connect(&place, PATIENCE).await.unwrap();
        let near = Stream::from_tcp(listener.accept().await.unwrap().0).unwrap();
        ends.push((far, near));
    }
    let (server, mut near_server) = ends.pop().unwrap();
    let (client, mut near_client) = ends.pop().unwrap();
    let mut relayed = JoinSet::new();
    relayed.spawn(async move {
        let early = bytes::Bytes::from_static(b"early ");
        let mut relay = Relay::new(early, bytes::Bytes::new());
        (relay.run(&mut near_client, &mut near_server).await, relay)
    });
    (client, server, relayed)
}

#[tokio::test]
async fn a_joined_pair_hears_each_other_to_the_end() {
    let (mut client, mut server, mut relayed) = joined().await;
    let large = vec![7; 3 << 20];
    let question = async {
        client.write_all(b"question").await.unwrap();
        // Half closed: the answer still comes.
        client.shutdown().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let answer = async {
        let mut asked = String::new();
        server.read_to_string(&mut asked).await.unwrap();
        assert_eq!(asked, "early question");
        server.write_all(&large).await.unwrap();
        server.shutdown().await.unwrap();
    };
    let (heard, ()) = tokio::join!(question, answer);
    assert!(heard == large);
    let (how, relay) = relayed.join_next().await.unwrap().unwrap();
    assert_eq!((relay.forth(), relay.back()), (14, 3 << 20));
    assert!(!relay.is_at_line_end());
    assert!(matches!(how, Severed::ClientLeft), "{how:?}");
}

#[tokio::test]
async fn a_server_that_goes_ends_the_pair() {
    let (mut client, mut server, mut relayed) = joined().await;
    server.write_all(b"bye").await.unwrap();
    drop(server);
    let mut last = String::new();
    client.read_to_string(&mut last).await.ok();
    let (how, _) = relayed.join_next().await.unwrap().unwrap();
    let gone = matches!(how, Severed::ServerClosed | Severed::ServerBroke(_));
    assert!(gone, "{how:?}");
}

#[tokio::test]
async fn a_reader_that_does_not_read_stops_the_writer() {
    let (client, mut server, mut relayed) = joined().await;
    let stretch = [1; 64 * 1024];
    let mut taken = 0;
    while tokio::time::timeout(Duration::from_millis(200), server.write_all(&stretch))
        .await
        .is_ok()
    {
        taken += stretch.len();
        assert!(taken < 64 << 20, "nothing stops the writer");
    }
    drop(client);
    relayed.join_next().await.unwrap().unwrap();
}
