//! TLS sessions in IDLE.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::imap::Login;
use super::line::Line;

/// Sessions that sign in at the same time.
const AT_ONCE: usize = 16;
/// Sessions from one source address: fewer than there are ports for them.
const PER_ADDRESS: usize = 1000;

/// How sessions are opened.
#[derive(Debug, Clone)]
pub(crate) struct Idle {
    /// Where IMAP over TLS is spoken, and the accounts' password.
    pub(crate) login: Login,
    /// How many users there are; sessions are spread over them.
    pub(crate) users: usize,
}

/// Open sessions, all in IDLE.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Vec<TlsStream<TcpStream>>);

impl Sessions {
    /// Opens more until there are `count`.
    pub(crate) async fn grow(&mut self, how: &Idle, count: usize) -> anyhow::Result<()> {
        let connector = TlsConnector::from(Arc::new(config()?));
        let mut opening = JoinSet::new();
        let mut next = self.0.len();
        while self.0.len() < count {
            while next < count && opening.len() < AT_ONCE {
                opening.spawn(open(how.clone(), connector.clone(), next));
                next += 1;
            }
            if let Some(opened) = opening.join_next().await {
                self.0.push(opened??);
            }
        }
        Ok(())
    }
}

async fn open(
    how: Idle,
    connector: TlsConnector,
    index: usize,
) -> anyhow::Result<TlsStream<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    let source = u8::try_from(1 + index / PER_ADDRESS).unwrap_or(u8::MAX);
    let source = IpAddr::V4(Ipv4Addr::new(127, 0, 1, source));
    socket.bind(SocketAddr::new(source, 0))?;
    let stream = socket
        .connect(how.login.to)
        .await
        .with_context(|| format!("cannot open session {}", index + 1))?;
    let name = ServerName::try_from("localhost")?;
    let stream = connector.connect(name, stream).await?;
    let mut line = Line::over(stream);
    let speak = async {
        line.tagged(b"*").await?;
        let command = how.login.command(index % how.users);
        line.send(command.as_bytes()).await?;
        line.tagged(b"l").await?;
        line.send(b"s SELECT INBOX\r\n").await?;
        line.tagged(b"s").await?;
        line.send(b"i IDLE\r\n").await?;
        line.tagged(b"+").await?;
        anyhow::Ok(())
    };
    speak
        .await
        .with_context(|| format!("session {}", index + 1))?;
    Ok(line.into_stream())
}

/// Any certificate does: who answers on our own port is not the question here.
pub(super) fn config() -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ED25519,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
        ]
    }
}
