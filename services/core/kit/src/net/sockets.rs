//! Where listening sockets come from: systemd's socket activation, or an address.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use listenfd::ListenFd;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, setsockopt, sockopt};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpSocket, UdpSocket, UnixDatagram, UnixListener};

use super::stream::Transport;
use super::{NetError, Peer};
use crate::config::{Listen, ListenSpec};

/// Connections that wait to be accepted: enough for a burst, as nginx and Postfix have it.
const BACKLOG: u32 = 511;

/// The sockets that systemd handed over, until their services take them; cheap to clone.
#[derive(Clone, Default)]
pub struct Sockets(Arc<Mutex<Inherited>>);

struct Inherited {
    fds: ListenFd,
    /// The name of each socket (`FileDescriptorName=` of its unit), as systemd counts them.
    names: Vec<String>,
    /// What this process listens at, for the one that takes over.
    own: Vec<Held>,
}

/// A socket that listens, once more.
pub(crate) struct Held {
    /// The service's name.
    pub(crate) service: &'static str,
    /// The socket.
    pub(crate) socket: OwnedFd,
}

impl Default for Inherited {
    fn default() -> Self {
        Self {
            fds: ListenFd::empty(),
            names: Vec::new(),
            own: Vec::new(),
        }
    }
}

impl Sockets {
    /// Takes over what systemd handed to this process (sd_listen_fds(3)). It changes the
    /// environment, so it must be called before any thread runs.
    #[must_use]
    pub fn inherit() -> Self {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        Self(Arc::new(Mutex::new(Inherited {
            fds: ListenFd::from_env(),
            names: names.split(':').map(str::to_owned).collect(),
            own: Vec::new(),
        })))
    }

    /// The listeners of a service: the inherited sockets of its name, or else new ones.
    pub(crate) fn listen(
        &self,
        service: &'static str,
        listen: &Listen,
    ) -> Result<Vec<Listener>, NetError> {
        let inherited = self
            .0
            .lock()
            .take(service)
            .map_err(|source| NetError::Inherited { service, source })?;
        if !inherited.is_empty() {
            self.hold(service, &inherited)?;
            return Ok(inherited);
        }
        let listeners = listen
            .iter()
            .map(|place| {
                bind(place).map_err(|source| NetError::Bind {
                    service,
                    place: place.clone(),
                    source,
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.hold(service, &listeners)?;
        Ok(listeners)
    }

    /// Keeps sockets for a process that takes over.
    fn hold(&self, service: &'static str, listeners: &[Listener]) -> Result<(), NetError> {
        for listener in listeners {
            let socket = match listener {
                Listener::Tcp(listener) => listener.as_fd().try_clone_to_owned(),
                Listener::Unix(listener) => listener.as_fd().try_clone_to_owned(),
            };
            let socket = socket.map_err(|source| NetError::Inherited { service, source })?;
            self.0.lock().own.push(Held { service, socket });
        }
        Ok(())
    }

    /// Everything that this process listens at; nothing is held here any more.
    pub(crate) fn hand_over(&self) -> Vec<Held> {
        std::mem::take(&mut self.0.lock().own)
    }

    /// Takes them back: nobody has taken over.
    pub(crate) fn take_back(&self, held: Vec<Held>) {
        self.0.lock().own = held;
    }
}

impl Sockets {
    /// The sockets for datagrams of a service: the inherited ones of its name, or else new ones. Must
    /// be called inside the runtime.
    ///
    /// # Errors
    /// When a place cannot be had.
    pub fn datagrams(
        &self,
        service: &'static str,
        listen: &Listen,
    ) -> Result<Vec<Datagrams>, NetError> {
        let inherited = self
            .0
            .lock()
            .take_datagrams(service)
            .map_err(|source| NetError::Inherited { service, source })?;
        if !inherited.is_empty() {
            return Ok(inherited);
        }
        let bind = |place: &ListenSpec| {
            bind_datagrams(place).map_err(|source| NetError::Bind {
                service,
                place: place.clone(),
                source,
            })
        };
        listen.iter().map(bind).collect()
    }
}

impl Inherited {
    fn take_datagrams(&mut self, service: &str) -> io::Result<Vec<Datagrams>> {
        let mut taken = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            if name != service || index >= self.fds.len() {
                continue;
            }
            // A socket of another kind is an error and stays, so the kinds can be tried in turn.
            if let Ok(Some(udp)) = self.fds.take_udp_socket(index) {
                udp.set_nonblocking(true)?;
                taken.push(Datagrams::Udp(UdpSocket::from_std(udp)?));
            } else if let Some(unix) = self.fds.take_unix_datagram(index)? {
                unix.set_nonblocking(true)?;
                taken.push(Datagrams::Unix(UnixDatagram::from_std(unix)?));
            }
        }
        Ok(taken)
    }

    fn take(&mut self, service: &str) -> io::Result<Vec<Listener>> {
        let mut taken = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            if name != service || index >= self.fds.len() {
                continue;
            }
            // A socket of another kind is an error and stays, so the kinds can be tried in turn.
            if let Ok(Some(tcp)) = self.fds.take_tcp_listener(index) {
                tcp.set_nonblocking(true)?;
                taken.push(Listener::Tcp(TcpListener::from_std(tcp)?));
            } else if let Some(unix) = self.fds.take_unix_listener(index)? {
                unix.set_nonblocking(true)?;
                taken.push(Listener::Unix(UnixListener::from_std(unix)?));
            }
        }
        Ok(taken)
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sockets")
            .field(&self.0.lock().names)
            .finish()
    }
}

/// A socket that listens.
#[derive(Debug)]
pub enum Listener {
    /// On an address.
    Tcp(TcpListener),
    /// On a path.
    Unix(UnixListener),
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<(Transport, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are written whole; waiting for more would only delay them.
                stream.set_nodelay(true)?;
                setsockopt(&stream, sockopt::KeepAlive, &true)?;
                Ok((Transport::Tcp(stream), Peer::remote(address)))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Transport::Unix(stream), Peer::Local))
            }
        }
    }

    /// Where it listens: with the real port where 0 was asked for.
    pub(super) fn place(&self) -> io::Result<ListenSpec> {
        match self {
            Self::Tcp(listener) => Ok(ListenSpec::Address(listener.local_addr()?)),
            Self::Unix(listener) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().unwrap_or(Path::new("@"));
                Ok(ListenSpec::Path(path.to_owned()))
            }
        }
    }
}

/// A socket that receives datagrams.
#[derive(Debug)]
pub enum Datagrams {
    /// At an address.
    Udp(UdpSocket),
    /// At a path, which is removed with it.
    Unix(UnixDatagram),
}

impl Datagrams {
    /// Receives one datagram, and says from which host it came; one from a path is local.
    ///
    /// # Errors
    /// As the system's call.
    pub async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Peer)> {
        match self {
            Self::Udp(socket) => {
                let (length, address) = socket.recv_from(buffer).await?;
                Ok((length, Peer::remote(address)))
            }
            Self::Unix(socket) => Ok((socket.recv(buffer).await?, Peer::Local)),
        }
    }

    /// As [`Datagrams::receive`], but only what is there already.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nothing is there.
    pub fn try_receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Peer)> {
        match self {
            Self::Udp(socket) => {
                let (length, address) = socket.try_recv_from(buffer)?;
                Ok((length, Peer::remote(address)))
            }
            Self::Unix(socket) => Ok((socket.try_recv(buffer)?, Peer::Local)),
        }
    }

    /// Where it receives: with the real port where 0 was asked for.
    ///
    /// # Errors
    /// As the system's call.
    pub fn place(&self) -> io::Result<ListenSpec> {
        match self {
            Self::Udp(socket) => Ok(ListenSpec::Address(socket.local_addr()?)),
            Self::Unix(socket) => {
                let address = socket.local_addr()?;
                let path = address.as_pathname().unwrap_or(Path::new("@"));
                Ok(ListenSpec::Path(path.to_owned()))
            }
        }
    }

    /// Asks for so many bytes of memory for what waits; the system may give less.
    ///
    /// # Errors
    /// As the system's call.
    pub fn set_memory(&self, bytes: usize) -> io::Result<()> {
        match self {
            Self::Udp(socket) => setsockopt(socket, sockopt::RcvBuf, &bytes)?,
            Self::Unix(socket) => setsockopt(socket, sockopt::RcvBuf, &bytes)?,
        }
        Ok(())
    }
}

/// Receives datagrams at a place. A path is for the daemon's user and group; one that a dead daemon
/// left is replaced.
fn bind_datagrams(place: &ListenSpec) -> io::Result<Datagrams> {
    match place {
        ListenSpec::Address(address) => {
            let family = match address {
                SocketAddr::V4(_) => AddressFamily::Inet,
                SocketAddr::V6(_) => AddressFamily::Inet6,
            };
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            let socket = nix::sys::socket::socket(family, SockType::Datagram, flags, None)?;
            if address.is_ipv6() {
                // So that 0.0.0.0 and [::] can both be listed, whatever the system's default is.
                setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
            }
            nix::sys::socket::bind(socket.as_raw_fd(), &SockaddrStorage::from(*address))?;
            Ok(Datagrams::Udp(UdpSocket::from_std(socket.into())?))
        }
        ListenSpec::Path(path) => {
            let socket = match UnixDatagram::bind(path) {
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse
                        && UnixDatagram::unbound()?.connect(path).is_err() =>
                {
                    std::fs::remove_file(path)?;
                    UnixDatagram::bind(path)?
                }
                bound => bound?,
            };
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
            Ok(Datagrams::Unix(socket))
        }
    }
}

fn bind(place: &ListenSpec) -> io::Result<Listener> {
    match place {
        ListenSpec::Address(address) => {
            let socket = if address.is_ipv4() {
                TcpSocket::new_v4()?
            } else {
                let socket = TcpSocket::new_v6()?;
                // So that 0.0.0.0 and [::] can both be listed, whatever the system's default is.
                setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
                socket
            };
            socket.set_reuseaddr(true)?;
            socket.bind(*address)?;
            Ok(Listener::Tcp(socket.listen(BACKLOG)?))
        }
        ListenSpec::Path(path) => Ok(Listener::Unix(bind_path(path)?)),
    }
}

/// Listens on a path, for the daemon's user and group (mode 0660). A socket that a dead daemon left
/// is replaced; one that answers is not.
pub(crate) fn bind_path(path: &Path) -> io::Result<UnixListener> {
    let listener = match UnixListener::bind(path) {
        Err(error)
            if error.kind() == io::ErrorKind::AddrInUse
                && std::os::unix::net::UnixStream::connect(path).is_err() =>
        {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Set in the process that a test starts with inherited sockets.
    const CHILD: &str = "ROOST_TEST_SOCKET_CHILD";

    #[test]
    fn a_socket_from_systemd_wins_over_the_address() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // The child is this test binary again, which finds the socket as its standard input.
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "net::sockets::tests::child"])
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .env(CHILD, address.to_string())
            .env("LISTEN_FDS", "1")
            .env("LISTEN_FDS_FIRST_FD", "0")
            .env("LISTEN_FDNAMES", "imap")
            .env_remove("LISTEN_PID")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success(), "{said}");
        assert!(said.contains("inherited and bound"), "{said}");
    }

    #[test]
    fn child() {
        let Ok(address) = std::env::var(CHILD) else {
            return;
        };
        let sockets = Sockets::inherit();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let listen: Listen = [ListenSpec::Address("127.0.0.1:0".parse().unwrap())]
                .into_iter()
                .collect();
            let imap = sockets.listen("imap", &listen).unwrap();
            assert_eq!(imap[0].place().unwrap().to_string(), address);
            let pop3 = sockets.listen("pop3", &listen).unwrap();
            assert_ne!(pop3[0].place().unwrap().to_string(), address);
        });
        println!("inherited and bound");
    }

    #[tokio::test]
    async fn a_dead_daemons_socket_is_replaced_and_a_living_ones_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let first = bind_path(&path).unwrap();
        let error = bind_path(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(first);
        bind_path(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
    }

    #[tokio::test]
    async fn datagrams_come_from_hosts_and_processes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let places = [
            ListenSpec::Address("127.0.0.1:0".parse().unwrap()),
            ListenSpec::Path(path.clone()),
        ];
        let sockets = Sockets::default();
        let listen: Listen = places.into_iter().collect();
        let taken = sockets.datagrams("syslog", &listen).unwrap();
        assert!(sockets.datagrams("syslog", &listen).is_err(), "it lives");
        let ListenSpec::Address(address) = taken[0].place().unwrap() else {
            panic!("no address");
        };
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.send_to(b"far", address).unwrap();
        let unix = std::os::unix::net::UnixDatagram::unbound().unwrap();
        unix.send_to(b"near", &path).unwrap();
        let mut buffer = [0; 10];
        let (length, peer) = taken[0].receive(&mut buffer).await.unwrap();
        assert_eq!((length, peer), (3, Peer::remote(udp.local_addr().unwrap())));
        assert_eq!(
            taken[1].receive(&mut buffer).await.unwrap(),
            (4, Peer::Local)
        );
        let nothing = taken[1].try_receive(&mut buffer).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        drop(taken);
        let again: Listen = [ListenSpec::Path(path)].into_iter().collect();
        sockets.datagrams("syslog", &again).unwrap();
    }
}
