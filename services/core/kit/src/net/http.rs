//! Small HTTP pages on the usual listeners.
//!
//! Once another process has taken over, they are its to serve.

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
        let over = Over::of(tasks);
        match listener {
            Listener::Tcp(listener) => {
                tasks.spawn_worker(name, run::<TcpListener>(listener, router, over));
            }
            Listener::Unix(listener) => {
                tasks.spawn_worker(name, run::<UnixListener>(listener, router, over));
            }
        }
    }
    Ok(())
}

/// When pages are not served any more: workers end, or another process serves them.
pub(crate) struct Over {
    stopping: CancellationToken,
    taken_over: CancellationToken,
}

impl Over {
    pub(crate) fn of(tasks: &Tasks) -> Self {
        Self {
            stopping: tasks.stopping(),
            taken_over: tasks.taken_over(),
        }
    }

    pub(crate) async fn wait(self) {
        // Cancel-safe: tokens keep nothing.
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = self.taken_over.cancelled() => {}
        }
    }
}

async fn run<L>(listener: L, router: Router, over: Over) -> anyhow::Result<()>
where
    L: AxumListener,
    L::Addr: std::fmt::Debug,
{
    serve(listener, router)
        .with_graceful_shutdown(over.wait())
        .await?;
    Ok(())
}
