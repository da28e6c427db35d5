//! Small HTTP pages on the usual listeners.

use axum::Router;
use axum::serve::{Listener as AxumListener, serve};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use super::{Listener, NetError, Sockets};
use crate::config::Listen;
use crate::tasks::Tasks;

/// Serves `router` until workers are told to end, so that a drain can be watched.
pub(crate) fn serve_http(
    sockets: &Sockets,
    tasks: &Tasks,
    name: &'static str,
    listen: &Listen,
    router: Router,
) -> Result<(), NetError> {
    for listener in sockets.listen(name, listen)? {
        let router = router.clone();
        let stopping = tasks.stopping();
        match listener {
            Listener::Tcp(listener) => {
                tasks.spawn_worker(name, run::<TcpListener>(listener, router, stopping));
            }
            Listener::Unix(listener) => {
                tasks.spawn_worker(name, run::<UnixListener>(listener, router, stopping));
            }
        }
    }
    Ok(())
}

async fn run<L>(listener: L, router: Router, stopping: CancellationToken) -> anyhow::Result<()>
where
    L: AxumListener,
    L::Addr: std::fmt::Debug,
{
    serve(listener, router)
        .with_graceful_shutdown(stopping.cancelled_owned())
        .await?;
    Ok(())
}
