//! Who asks at a control socket.

use std::fmt;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use nix::unistd::{Uid, User};
use tokio::net::UnixListener;

/// The user at the other end of a control socket, by the kernel's word: a handler takes it as
/// `ConnectInfo<Caller>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The user's number; None where the system does not say.
    pub uid: Option<u32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Caller {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let peer = stream.io().peer_cred();
        Self {
            uid: peer.ok().map(|peer| peer.uid()),
        }
    }
}

/// As `root (uid 0)`.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(uid) = self.uid else {
            return f.write_str("somebody");
        };
        match User::from_uid(Uid::from_raw(uid)) {
            Ok(Some(user)) => write!(f, "{} (uid {uid})", user.name),
            Ok(None) | Err(_) => write!(f, "(uid {uid})"),
        }
    }
}
