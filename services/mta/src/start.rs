//! From settings to a daemon that serves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use anyhow::Context as _;
use parking_lot::RwLock;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use roost_core_directory::client::{Directory, Settings as DirectorySettings};
use roost_kit::Kit;
use roost_kit::config::Listen;
use roost_kit::limit::LoginGuard;
use roost_kit::net::{Admission, Security, Service};
use roost_proto_smtp::{Domain, Role};

use crate::config::Config;
use crate::control;
use crate::dispatch::{Dispatcher, Parts};
use crate::inbound::accounts::LdapAccounts;
use crate::inbound::backend::{Entrance, rates};
use crate::inbound::names::ClientNames;
use crate::inbound::policy::Present;
use crate::inbound::serve::{BUSY, Server};
use crate::metrics::Counts;
use crate::outbound::{Courier, HickoryDns, Ways};
use crate::queue::Queue;
use crate::queue::lock::QueueLock;
use crate::queue::recovery::Settings as QueueSettings;
use crate::reload::Reload;
use crate::route::{LdapAddresses, Router};
use crate::upkeep::Upkeep;

/// Size of a segment of the queue's journal.
const SEGMENT: u64 = 16 << 20;

/// Opens the queue, finds the directory, and serves.
///
/// # Errors
/// When the queue cannot be opened, a setting cannot be used, or a place cannot be listened at.
pub async fn start(config: Config, kit: Kit) -> anyhow::Result<()> {
    let daemon = Daemon::open(config, kit).await?;
    daemon.look_after_queue();
    daemon.deliver();
    daemon.serve()
}

/// What the services are made of.
struct Daemon {
    config: Config,
    kit: Kit,
    host: Domain,
    directory: Directory,
    dns: HickoryDns,
    queue: Arc<Queue>,
    router: Arc<Router<LdapAddresses>>,
    dispatcher: Arc<Dispatcher<LdapAddresses, HickoryDns>>,
    policy: Arc<Present>,
    checkpoint: Arc<AtomicU64>,
    counts: Counts,
}

impl Daemon {
    async fn open(config: Config, kit: Kit) -> anyhow::Result<Self> {
        let node = &kit.shared.node.name;
        let host = Domain::parse(node).with_context(|| format!("node.name: \"{node}\""))?;
        let settings =
            DirectorySettings::signed_in(&kit.shared.directory, kit.directory_identity()?);
        let directory = Directory::new(settings, kit.clock.clone())?;
        let queue = open_queue(&config, &kit).await?;
        let counts = Counts::new(&kit.metrics);
        let postmaster = config
            .postmaster
            .as_ref()
            .map(|postmaster| postmaster.0.clone());
        let addresses = LdapAddresses::new(directory.clone(), postmaster, kit.clock.clone());
        let router = Router::new(addresses, host.clone(), config.smtp_port);
        let dns = HickoryDns::new(&config.servers()).context("cannot use the name servers")?;
        let ways = Ways::new(config.lmtp.clone(), config.outbound_tls.clone())
            .context("cannot verify other hosts (mta.outbound_tls)")?;
        let courier = Courier {
            dns: dns.clone(),
            host: host.clone(),
            ways: RwLock::new(ways),
        };
        let dispatcher = Dispatcher::new(Parts {
            queue: Arc::clone(&queue),
            router: Arc::clone(&router),
            courier,
            tasks: kit.tasks.clone(),
            clock: kit.clock.clone(),
            lifetime: config.lifetime(),
            concurrency: config.concurrency(),
            counts: counts.clone(),
            random: StdRng::from_rng(&mut rand::rng()),
        });
        let policy = Present::new(config.message_size_max.as_u64());
        let checkpoint = Arc::new(AtomicU64::new(config.checkpoint.as_u64()));
        Ok(Self {
            config,
            kit,
            host,
            directory,
            dns,
            queue,
            router,
            dispatcher,
            policy,
            checkpoint,
            counts,
        })
    }

    fn look_after_queue(&self) {
        let upkeep = Upkeep {
            queue: Arc::clone(&self.queue),
            dispatcher: Arc::clone(&self.dispatcher),
            router: Arc::clone(&self.router),
            directory: self.directory.clone(),
            policy: Arc::clone(&self.policy),
            node: self.kit.shared.node.name.clone(),
            checkpoint: Arc::clone(&self.checkpoint),
            slowed: AtomicBool::new(false),
            counts: self.counts.clone(),
            health: self.kit.health.clone(),
            clock: self.kit.clock.clone(),
        };
        upkeep.begin(&self.kit);
    }

    fn deliver(&self) {
        let dispatcher = Arc::clone(&self.dispatcher);
        self.kit.tasks.spawn("dispatcher", dispatcher.run());
    }

    fn serve(&self) -> anyhow::Result<()> {
        let clock = &self.kit.clock;
        let entrance = Arc::new(Entrance {
            host: self.host.clone(),
            queue: Arc::clone(&self.queue),
            router: Arc::clone(&self.router),
            accounts: LdapAccounts::new(self.directory.clone()),
            dispatcher: Arc::clone(&self.dispatcher),
            policy: Arc::clone(&self.policy),
            names: Arc::new(ClientNames::new(self.dns.clone(), clock.clone())),
            guard: LoginGuard::new(clock.clone()),
            rates: RwLock::new(rates(self.config.messages_per_minute, clock)),
            counts: self.counts.clone(),
            clock: clock.clone(),
        });
        let around = self.kit.surroundings();
        let timeout = self.config.smtp_timeout.duration();
        let limits = self.config.connections.clone();
        let smtp = Admission::new("smtp", limits.smtp, &self.kit.metrics);
        let submission = Admission::new("submission", limits.submission, &self.kit.metrics);
        let reload = Reload {
            config: self.config.clone(),
            dns: self.dns.clone(),
            dispatcher: Arc::clone(&self.dispatcher),
            router: Arc::clone(&self.router),
            policy: Arc::clone(&self.policy),
            entrance: Arc::clone(&entrance),
            smtp: smtp.clone(),
            submission: submission.clone(),
            checkpoint: Arc::clone(&self.checkpoint),
        };
        reload.begin(&self.kit);
        let mx = Server {
            role: Role::Mx,
            timeout,
            entrance: Arc::clone(&entrance),
            around: around.clone(),
        };
        let users = Server {
            role: Role::Submission,
            timeout,
            entrance,
            around,
        };
        let config = &self.config;
        self.listen("smtp", &config.smtp, Security::Clear, &smtp, mx)?;
        self.listen(
            "submission",
            &config.submission,
            Security::Clear,
            &submission,
            users.clone(),
        )?;
        self.listen(
            "submissions",
            &config.submissions,
            Security::Tls,
            &submission,
            users,
        )?;
        let router = control::router(Arc::clone(&self.dispatcher));
        self.kit.control(&self.config.control, router)?;
        Ok(())
    }

    fn listen(
        &self,
        name: &'static str,
        listen: &Listen,
        security: Security,
        admission: &Admission,
        server: Server<LdapAddresses, LdapAccounts, HickoryDns>,
    ) -> anyhow::Result<()> {
        let service = Service {
            name,
            listen: listen.clone(),
            security,
            admission: admission.clone(),
            busy: BUSY,
        };
        self.kit
            .serve(service, move |stream| server.clone().serve(stream))?;
        Ok(())
    }
}

async fn open_queue(config: &Config, kit: &Kit) -> anyhow::Result<Arc<Queue>> {
    let settings = QueueSettings {
        reserve_bytes: config.reserve(),
        ..QueueSettings::new(&config.state, SEGMENT)
    };
    let lock = QueueLock::take(&config.state)?;
    let (disk, clock) = (kit.disk.clone(), kit.clock.clone());
    let opened = tokio::task::spawn_blocking(move || Queue::open(&settings, disk, clock));
    let queue = opened
        .await?
        .with_context(|| format!("cannot open the queue in {}", config.state.display()))?
        .locked_by(lock);
    tracing::info!(messages = queue.len(), "queue opened");
    Ok(Arc::new(queue))
}
