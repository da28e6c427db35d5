//! The server: sockets, TLS, timers. One task a connection owns its socket; it reads requests, runs
//! them side by side, and writes their answers.

mod conversation;

use std::sync::Arc;
use std::time::Duration;

use roost_kit::Kit;
use roost_kit::limit::LoginGuard;
use roost_kit::net::{Admission, NetError, Security, Service, Stream};
use roost_kit::tls::Tls;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::directory::Directory;
use crate::metrics::Counts;
use crate::wire::response::{Outcome, ResultCode, notice_of_disconnection};

use conversation::Conversation;

/// What all connections share.
#[derive(Debug)]
struct Shared {
    directory: Arc<Directory>,
    counts: Counts,
    guard: LoginGuard,
    tls: Tls,
    draining: CancellationToken,
    message_size_max: u64,
    idle_timeout: Duration,
    write_timeout: Duration,
}

/// Serves the directory at every place that is configured.
pub fn serve(kit: &Kit, config: &Config, directory: Arc<Directory>) -> Result<(), NetError> {
    let shared = Arc::new(Shared {
        directory,
        counts: Counts::new(&kit.metrics),
        guard: LoginGuard::new(kit.clock.clone()),
        tls: kit.tls.clone(),
        draining: kit.tasks.draining(),
        message_size_max: config.message_size_max.as_u64(),
        idle_timeout: config.idle_timeout.duration(),
        write_timeout: kit.shared.node.write_timeout.duration(),
    });
    let admission = Admission::new("ldap", config.connections.clone(), &kit.metrics);
    for (name, listen, security) in [
        ("ldap", &config.ldap, Security::Clear),
        ("ldaps", &config.ldaps, Security::Tls),
        ("ldapi", &config.ldapi, Security::Clear),
    ] {
        let service = Service {
            name,
            listen: listen.clone(),
            security,
            admission: admission.clone(),
            busy: busy(),
        };
        let shared = Arc::clone(&shared);
        kit.serve(service, move |stream| handle(Arc::clone(&shared), stream))?;
    }
    Ok(())
}

async fn handle(shared: Arc<Shared>, stream: Stream) {
    let peer = stream.peer();
    if let Err(error) = Conversation::new(shared, stream).run().await {
        tracing::debug!(%peer, %error, "connection lost");
    }
}

/// What a peer over a limit hears. It is made once for each listener, and lives as long as we do.
fn busy() -> &'static [u8] {
    let outcome = Outcome::new(ResultCode::Busy, "too many connections; try later");
    notice_of_disconnection(&outcome).leak()
}
