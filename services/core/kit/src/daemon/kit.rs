//! What a daemon gets from us.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use tokio::sync::watch;

use super::{Daemon, Loaded};
use crate::clock::Clock;
use crate::config::{Configuration, Listen, ListenSpec, Settings, Shared};
use crate::disk::{DiskHandle, RealDisk};
use crate::health::Health;
use crate::metrics::Metrics;
use crate::net::{self, Ground, NetError, Networks, Service, Sockets, Stream, Surroundings};
use crate::notify::Notifier;
use crate::secret::{Identity, SecretError};
use crate::tasks::Tasks;
use crate::tls::Tls;
use crate::{control, health};

/// What a daemon gets from us; cheap to clone. Hand parts of it on rather than the whole.
#[derive(Debug, Clone)]
pub struct Kit {
    /// The daemon's name, such as `roost-store`.
    pub daemon: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What time it is.
    pub clock: Clock,
    /// How bytes become durable.
    pub disk: DiskHandle,
    /// Who runs.
    pub tasks: Tasks,
    /// What is counted.
    pub metrics: Metrics,
    /// What keeps the daemon from serving.
    pub health: Health,
    /// The node's certificates.
    pub tls: Tls,
    /// The tables that all daemons share, as they were at the start.
    pub shared: Arc<Shared>,
    /// The sockets that systemd handed over.
    pub sockets: Sockets,
    /// The line to systemd.
    pub notify: Notifier,
    /// The configuration as it was last read without a mistake; changes at a reload. Ask it for
    /// [`settings`](Configuration::settings) again for what may change while the daemon runs.
    pub configuration: watch::Receiver<Arc<Configuration>>,
}

impl Kit {
    pub(super) fn of_daemon<S: Settings>(
        daemon: Daemon,
        clock: Clock,
        sockets: Sockets,
        loaded: &Loaded<S>,
    ) -> (Self, watch::Sender<Arc<Configuration>>) {
        let (reloads, configuration) = watch::channel(Arc::new(loaded.configuration.clone()));
        let tasks = Tasks::new();
        let metrics = Metrics::new(daemon.name, daemon.version);
        metrics.register("panics", "Panics in tasks", tasks.panics());
        let health = Health::new();
        metrics.collect(health.clone());
        let kit = Self {
            daemon: daemon.name,
            version: daemon.version,
            clock,
            disk: Arc::new(RealDisk),
            tasks,
            metrics,
            health,
            tls: loaded.tls.clone(),
            shared: Arc::new(loaded.shared.clone()),
            sockets,
            notify: Notifier::new(),
            configuration,
        };
        (kit, reloads)
    }

    /// Listens for a service and runs `handle` as a session for each connection. Returns the places,
    /// with the real port where 0 was asked for. Must be called inside the runtime.
    pub fn serve<F, Fut>(&self, service: Service, handle: F) -> Result<Vec<ListenSpec>, NetError>
    where
        F: Fn(Stream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.serve_behind(&Networks::default(), service, handle)
    }

    /// The same, where connections from `balancers` begin with a header of the PROXY protocol, by
    /// which the balancer says who the client is.
    pub fn serve_behind<F, Fut>(
        &self,
        balancers: &Networks,
        service: Service,
        handle: F,
    ) -> Result<Vec<ListenSpec>, NetError>
    where
        F: Fn(Stream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let ground = Ground {
            sockets: &self.sockets,
            tasks: &self.tasks,
            tls: &self.tls,
        };
        net::serve(ground, service, balancers, handle)
    }

    /// Serves pages over HTTP/1.1 in the clear, for other nodes, until workers are told to end.
    pub fn serve_http(
        &self,
        name: &'static str,
        listen: &Listen,
        router: Router,
    ) -> Result<(), NetError> {
        net::serve_http(&self.sockets, &self.tasks, name, listen, router)
    }

    /// What conversations with clients need.
    #[must_use]
    pub fn surroundings(&self) -> Surroundings {
        Surroundings {
            clock: self.clock.clone(),
            tls: self.tls.clone(),
            draining: self.tasks.draining(),
            write_timeout: self.shared.node.write_timeout.duration(),
        }
    }

    /// Serves commands of `roostctl` at a Unix socket.
    pub fn control(&self, path: &Path, router: Router) -> Result<(), NetError> {
        control::serve(&self.sockets, &self.tasks, path, router)
    }

    /// As whom this daemon signs in at the directory.
    pub fn directory_identity(&self) -> Result<Identity, SecretError> {
        Identity::of_daemon(&self.shared.directory, self.daemon)
    }

    /// Serves the health pages.
    pub(super) fn serve_health<S: Settings>(&self, settings: &S) -> Result<(), NetError> {
        let router = health::router(self.health.clone(), self.metrics.clone());
        net::serve_http(
            &self.sockets,
            &self.tasks,
            "health",
            settings.health(),
            router,
        )
    }
}
