//! A connection, in clear or under TLS.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, CommonState};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::{HANDSHAKE_TIME_MAX, HEADER_TIME_MAX, Header, NetError, Peer};
use crate::config::ListenSpec;
use crate::tls::Tls;

/// A connection to a peer. Reads and writes; becomes TLS by [`Stream::upgrade`] (as the server) or
/// [`Stream::secure`] (as the client).
#[derive(Debug)]
pub struct Stream {
    inner: Inner,
    peer: Peer,
}

#[derive(Debug)]
enum Inner {
    Clear(Transport),
    Tls(Box<TlsStream<Transport>>),
}

/// What carries the octets.
#[derive(Debug)]
pub(super) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// What was negotiated, for logs and trace fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsDetails {
    /// `TLSv1.3`
    pub version: String,
    /// `TLS13_AES_256_GCM_SHA384`
    pub cipher: String,
    /// The name that the client asked for.
    pub server_name: Option<String>,
}

impl Stream {
    pub(super) const fn new(transport: Transport, peer: Peer) -> Self {
        Self {
            inner: Inner::Clear(transport),
            peer,
        }
    }

    /// Connects to a place within `patience`.
    pub async fn connect(place: &ListenSpec, patience: Duration) -> Result<Self, NetError> {
        let connecting = async {
            match place {
                ListenSpec::Address(address) => {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    setsockopt(&stream, sockopt::KeepAlive, &true)?;
                    Ok(Self::new(Transport::Tcp(stream), Peer::remote(*address)))
                }
                ListenSpec::Path(path) => {
                    let stream = UnixStream::connect(path).await?;
                    Ok(Self::new(Transport::Unix(stream), Peer::Local))
                }
            }
        };
        tokio::time::timeout(patience, connecting)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|source| NetError::Connect {
                place: place.clone(),
                source,
            })
    }

    /// Takes over a connected TCP stream, for connections that were made elsewhere.
    pub fn from_tcp(stream: TcpStream) -> io::Result<Self> {
        let peer = Peer::remote(stream.peer_addr()?);
        Ok(Self::new(Transport::Tcp(stream), peer))
    }

    /// Becomes TLS as the server: after STARTTLS, or at once. What was read before is forgotten by
    /// whoever read it (RFC 3207 §6): a command that came in clear must not count as protected.
    pub async fn upgrade(self, tls: &Tls) -> Result<Self, NetError> {
        let acceptor = tls.acceptor().ok_or(NetError::TlsUnavailable)?;
        self.accept_tls(acceptor, tls.handshake_timeout()).await
    }

    /// The same for HTTP: afterwards [`Stream::speaks_http2`] tells what the client chose.
    pub async fn upgrade_web(self, tls: &Tls) -> Result<Self, NetError> {
        let acceptor = tls.web_acceptor().ok_or(NetError::TlsUnavailable)?;
        self.accept_tls(acceptor, tls.handshake_timeout()).await
    }

    /// As [`Stream::upgrade`], with an acceptor of one's own, such as
    /// [`Tls::one_way_acceptor`] makes.
    pub async fn upgrade_by(self, acceptor: TlsAcceptor) -> Result<Self, NetError> {
        self.accept_tls(acceptor, HANDSHAKE_TIME_MAX).await
    }

    async fn accept_tls(self, acceptor: TlsAcceptor, patience: Duration) -> Result<Self, NetError> {
        let Inner::Clear(transport) = self.inner else {
            return Err(NetError::TlsAlready);
        };
        let stream = tokio::time::timeout(patience, acceptor.accept(transport))
            .await
            .map_err(|_| NetError::HandshakeTimeout)?
            .map_err(NetError::Handshake)?;
        Ok(Self {
            inner: Inner::Tls(Box::new(stream.into())),
            peer: self.peer,
        })
    }

    /// Becomes TLS as the client. `name` is the host's name, or its address.
    pub async fn secure(self, config: Arc<ClientConfig>, name: &str) -> Result<Self, NetError> {
        let Inner::Clear(transport) = self.inner else {
            return Err(NetError::TlsAlready);
        };
        let server_name = ServerName::try_from(name.to_owned())
            .map_err(|_| NetError::ServerName(name.to_owned()))?;
        let connecting = TlsConnector::from(config).connect(server_name, transport);
        let stream = tokio::time::timeout(HANDSHAKE_TIME_MAX, connecting)
            .await
            .map_err(|_| NetError::HandshakeTimeout)?
            .map_err(NetError::Handshake)?;
        Ok(Self {
            inner: Inner::Tls(Box::new(stream.into())),
            peer: self.peer,
        })
    }

    /// Reads the header by which a balancer says whom it connects, and takes that for the peer.
    pub(super) async fn announced(mut self) -> Result<Self, NetError> {
        let reading = async {
            let mut octets = Vec::new();
            loop {
                if let Some((header, _)) = Header::read(&octets)? {
                    return Ok(header);
                }
                // Not an octet more: what follows may be TLS, whose reader is another.
                let mut room = (&mut self).take(Header::wanted(&octets) as u64);
                if room.read_to_end(&mut octets).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        };
        let header = tokio::time::timeout(HEADER_TIME_MAX, reading)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(NetError::NoHeader)?;
        if let Header::Client(peer) = header {
            self.peer = peer;
        }
        Ok(self)
    }

    /// Who is at the other end.
    #[must_use]
    pub const fn peer(&self) -> Peer {
        self.peer
    }

    /// Whether nobody can listen: TLS, or a peer on this machine.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.is_tls() || self.peer.is_loopback()
    }

    /// Whether the peer is a process of root or of this daemon's own user, by the kernel's word on a
    /// Unix socket. Such a process could read our files anyway.
    #[must_use]
    pub fn is_own_user_or_root(&self) -> bool {
        let Inner::Clear(Transport::Unix(stream)) = &self.inner else {
            return false;
        };
        let own = nix::unistd::geteuid().as_raw();
        stream
            .peer_cred()
            .is_ok_and(|peer| peer.uid() == 0 || peer.uid() == own)
    }

    /// Whether the connection speaks TLS.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        matches!(self.inner, Inner::Tls(_))
    }

    /// Whether the client chose HTTP/2 in the handshake.
    #[must_use]
    pub fn speaks_http2(&self) -> bool {
        let Inner::Tls(stream) = &self.inner else {
            return false;
        };
        let (_, state): (_, &CommonState) = stream.get_ref();
        state.alpn_protocol() == Some(b"h2")
    }

    /// What TLS negotiated, if it did.
    #[must_use]
    pub fn tls(&self) -> Option<TlsDetails> {
        let Inner::Tls(stream) = &self.inner else {
            return None;
        };
        let (_, state): (_, &CommonState) = stream.get_ref();
        let server_name = match &**stream {
            TlsStream::Server(stream) => stream.get_ref().1.server_name().map(str::to_owned),
            TlsStream::Client(_) => None,
        };
        Some(TlsDetails {
            version: state
                .protocol_version()
                .and_then(|version| version.as_str().map(|name| name.replace('_', ".")))
                .unwrap_or_default(),
            cipher: state
                .negotiated_cipher_suite()
                .and_then(|suite| suite.suite().as_str().map(str::to_owned))
                .unwrap_or_default(),
            server_name,
        })
    }

    /// Writes what fits without waiting: a last word to a peer that is turned away.
    pub(super) fn last_word(&self, word: &[u8]) {
        let Inner::Clear(transport) = &self.inner else {
            return;
        };
        let written = match transport {
            Transport::Tcp(stream) => stream.try_write(word),
            Transport::Unix(stream) => stream.try_write(word),
        };
        if let Err(error) = written {
            tracing::debug!(peer = %self.peer, %error, "the peer did not hear why it is turned away");
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Clear(stream) => Pin::new(stream).poll_read(context, buffer),
            Inner::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Clear(stream) => Pin::new(stream).poll_write(context, bytes),
            Inner::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Clear(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Inner::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.inner {
            Inner::Clear(stream) => stream.is_write_vectored(),
            Inner::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Clear(stream) => Pin::new(stream).poll_flush(context),
            Inner::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Clear(stream) => Pin::new(stream).poll_shutdown(context),
            Inner::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
