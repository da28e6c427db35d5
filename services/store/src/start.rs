//! From settings to a daemon that serves.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use roost_core_directory::client::{Directory, Settings as DirectorySettings};
use roost_kit::Kit;
use roost_kit::config::{Listen, ListenSpec};
use roost_kit::limit::LoginGuard;
use roost_kit::net::{Admission, Security, Service, Surroundings};
use roost_mailbox::{Opening, Store};
use roost_proto_imap::limits::Limits;
use roost_proto_smtp::session::Offer;
use roost_proto_smtp::{Domain, Role};

use crate::accounts::LdapAccounts;
use crate::config::Config;
use crate::control;
use crate::door::Porter;
use crate::imap::{self, Imap};
use crate::lmtp::{self, Deliverer, Lmtp, Room};
use crate::lookup::{self, Own, Ports};
use crate::metrics::Counts;
use crate::pop3::{self, Pop3};
use crate::upkeep;
use roost_login::Presence;

/// How long systemd waits for the next word while the store is opened: longer than reading a segment
/// takes on a slow disk.
const OPENING_PATIENCE: Duration = Duration::from_secs(60);

/// Memory that all incoming messages share.
const INCOMING_OCTETS: usize = 512 << 20;

/// Opens the store, finds the directory, and serves.
///
/// # Errors
/// When the store cannot be opened, the directory's settings cannot be used, or a place cannot be
/// listened at.
pub async fn start(config: Config, kit: Kit) -> anyhow::Result<()> {
    let daemon = Daemon::open(config, kit).await?;
    upkeep::begin(
        &daemon.kit,
        &daemon.store,
        &daemon.directory,
        &daemon.porter,
    );
    daemon.serve_control()?;
    daemon.serve_lmtp()?;
    daemon.serve_imap()?;
    daemon.serve_pop3()?;
    daemon.serve_lookup()
}

/// What the services are made of.
struct Daemon {
    config: Config,
    kit: Kit,
    store: Store,
    directory: Directory,
    accounts: LdapAccounts,
    counts: Counts,
    porter: Arc<Porter<LdapAccounts>>,
    readers: Admission,
    around: Surroundings,
}

impl Daemon {
    async fn open(config: Config, kit: Kit) -> anyhow::Result<Self> {
        let node = kit.shared.node.name.clone();
        let settings =
            DirectorySettings::signed_in(&kit.shared.directory, kit.directory_identity()?);
        let directory = Directory::new(settings, kit.clock.clone())?;
        let accounts = LdapAccounts::new(directory.clone(), &node, kit.clock.clone());
        let store = open_store(&config, &kit).await?;
        let counts = Counts::new(&kit.metrics);
        let porter = Arc::new(Porter {
            accounts: accounts.clone(),
            counts: counts.clone(),
            guard: LoginGuard::new(kit.clock.clone()),
            presence: Presence::new(config.sessions_per_account),
            proxies: config.trusted_proxies.clone(),
            scram: AtomicBool::new(false),
        });
        Ok(Self {
            readers: Admission::with_exempt(
                "readers",
                config.connections.readers.clone(),
                config.trusted_proxies.clone(),
                &kit.metrics,
            ),
            around: kit.surroundings(),
            config,
            kit,
            store,
            directory,
            accounts,
            counts,
            porter,
        })
    }

    fn serve_control(&self) -> anyhow::Result<()> {
        let router = control::router(self.store.clone(), self.kit.tasks.clone());
        self.kit.control(&self.config.control, router)?;
        Ok(())
    }

    fn serve_lmtp(&self) -> anyhow::Result<()> {
        let node = Domain::parse(&self.kit.shared.node.name)
            .with_context(|| format!("node.name: \"{}\"", self.kit.shared.node.name))?;
        let config = roost_proto_smtp::Config {
            message_size_max: self.config.message_size_max.as_u64(),
            starttls: match self.kit.tls.available() {
                true => Offer::Yes,
                false => Offer::No,
            },
            timeout: self.config.lmtp_timeout.duration(),
            ..roost_proto_smtp::Config::new(Role::Lmtp, node.clone())
        };
        let lmtp = Lmtp {
            config: Arc::new(config),
            deliverer: Arc::new(Deliverer {
                accounts: self.accounts.clone(),
                store: self.store.clone(),
                node,
                clock: self.kit.clock.clone(),
                counts: self.counts.clone(),
                room: Room::new(INCOMING_OCTETS),
            }),
            around: self.around.clone(),
        };
        let service = Service {
            name: "lmtp",
            listen: self.config.lmtp.clone(),
            security: Security::Clear,
            admission: Admission::new(
                "lmtp",
                self.config.connections.lmtp.clone(),
                &self.kit.metrics,
            ),
            busy: lmtp::BUSY,
        };
        self.kit
            .serve(service, move |stream| lmtp.clone().serve(stream))?;
        Ok(())
    }

    fn serve_imap(&self) -> anyhow::Result<()> {
        let imap = Imap {
            limits: Limits {
                message_size_max: self.config.message_size_max.as_u64(),
                login_timeout: self.config.login_timeout.duration(),
                idle_timeout: self.config.imap_timeout.duration(),
                ..Limits::default()
            },
            porter: Arc::clone(&self.porter),
            store: self.store.clone(),
            room: imap::Room::default(),
            around: self.around.clone(),
        };
        for (name, listen, security) in [
            ("imap", &self.config.imap, Security::Clear),
            ("imaps", &self.config.imaps, Security::Tls),
        ] {
            let service = self.reader_service(name, listen, security, imap::BUSY);
            let imap = imap.clone();
            self.kit
                .serve(service, move |stream| imap.clone().serve(stream))?;
        }
        Ok(())
    }

    fn serve_pop3(&self) -> anyhow::Result<()> {
        let pop3 = Pop3 {
            timeout: self.config.pop3_timeout.duration(),
            porter: Arc::clone(&self.porter),
            store: self.store.clone(),
            around: self.around.clone(),
        };
        for (name, listen, security) in [
            ("pop3", &self.config.pop3, Security::Clear),
            ("pop3s", &self.config.pop3s, Security::Tls),
        ] {
            let service = self.reader_service(name, listen, security, pop3::BUSY);
            let pop3 = pop3.clone();
            self.kit
                .serve(service, move |stream| pop3.clone().serve(stream))?;
        }
        Ok(())
    }

    fn serve_lookup(&self) -> anyhow::Result<()> {
        let own = Own {
            node: self.kit.shared.node.name.to_ascii_lowercase(),
            ports: Ports {
                imap: first_port(&self.config.imap),
                imaps: first_port(&self.config.imaps),
                pop3: first_port(&self.config.pop3),
                pop3s: first_port(&self.config.pop3s),
            },
        };
        let router = lookup::router(self.directory.clone(), own);
        self.kit.serve_http("lookup", &self.config.lookup, router)?;
        Ok(())
    }

    /// A service of readers.
    fn reader_service(
        &self,
        name: &'static str,
        listen: &Listen,
        security: Security,
        busy: &'static [u8],
    ) -> Service {
        Service {
            name,
            listen: listen.clone(),
            security,
            admission: self.readers.clone(),
            busy,
        }
    }
}

/// Opens the store, and says how far that is: to systemd, so that it waits, and on the health page.
async fn open_store(config: &Config, kit: &Kit) -> anyhow::Result<Store> {
    let watch = |opening: Opening| {
        let text = match opening {
            Opening::Reading { segments, all } => {
                format!("recovering: {segments} of {all} segments of the journal read")
            }
            Opening::Replaying { records, all } => {
                format!("recovering: {records} of {all} records gone through")
            }
        };
        kit.notify.extend_timeout(OPENING_PATIENCE);
        kit.notify.watchdog();
        kit.notify.status(&text);
        kit.health.ill("store", text);
    };
    let engine = engine_config(config);
    let store = Store::open_watched(engine, kit.disk.clone(), kit.clock.clone(), &watch)
        .await
        .with_context(|| format!("cannot open the store in {}", config.state.display()))?;
    kit.health.well("store");
    kit.notify.status("serving");
    Ok(store)
}

/// The port of the first place that is an address.
fn first_port(listen: &Listen) -> Option<u16> {
    listen.iter().find_map(|place| match place {
        ListenSpec::Address(address) => Some(address.port()),
        ListenSpec::Path(_) => None,
    })
}

/// The engine's settings.
fn engine_config(config: &Config) -> roost_mailbox::Config {
    roost_mailbox::Config {
        checkpoint_interval: config.checkpoint.interval.duration(),
        checkpoint_bytes: config.checkpoint.bytes.as_u64(),
        space_reserve: config.space_reserve.as_u64(),
        ..roost_mailbox::Config::new(&config.state)
    }
}
