//! From settings to a daemon that serves.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;
use roost_core_directory::client::{Directory, Settings as DirectorySettings};
use roost_kit::Kit;
use roost_kit::config::Listen;
use roost_kit::limit::LoginDelays;
use roost_kit::net::{Admission, Networks, Security, Service, Stream, Surroundings};
use roost_login::{Logins, Presence};

use crate::bans::Bans;
use crate::config::Config;
use crate::door::Porter;
use crate::mail::{self, Mail};
use crate::metrics::Counts;
use crate::route::{Parts, Routes};
use crate::sessions::Sessions;
use crate::upstream::Upstream;
use crate::{control, upkeep, watch};

/// How old an answer about an account may be: who has moved is found at their new store.
const ACCOUNT_FRESH: Duration = Duration::from_millis(500);

/// Finds the directory, and serves.
///
/// # Errors
/// When a setting cannot be used, or a place cannot be listened at.
pub async fn start(config: Config, kit: Kit) -> anyhow::Result<()> {
    let daemon = Daemon::open(config, kit)?;
    upkeep::begin(
        &daemon.kit,
        daemon.directory.clone(),
        Arc::clone(&daemon.porter),
    );
    watch::begin(
        &daemon.kit.tasks,
        daemon.directory.clone(),
        daemon.porter.sessions.clone(),
        daemon.config.watch.duration(),
    );
    let router = control::router(Arc::clone(&daemon.porter));
    daemon.kit.control(&daemon.config.control, router)?;
    daemon.serve_mail()
}

/// What the services are made of.
struct Daemon {
    config: Config,
    kit: Kit,
    directory: Directory,
    porter: Arc<Porter>,
    admission: Admission,
}

impl Daemon {
    fn open(config: Config, kit: Kit) -> anyhow::Result<Self> {
        let access = &kit.shared.directory;
        let mut settings = DirectorySettings::signed_in(access, kit.directory_identity()?);
        settings.freshness.account = ACCOUNT_FRESH;
        let directory = Directory::new(settings, kit.clock.clone())?;
        let ca = config.store_ca.as_deref().or(access.ca.as_deref());
        let tls = roost_kit::tls::verified(ca).context("proxy.store_ca cannot be used")?;
        let counts = Counts::new(&kit.metrics);
        let routes = Routes::new(Parts {
            directory: directory.clone(),
            node: kit.shared.node.name.clone(),
            places: config.stores.clone(),
            policy: config.store_tls,
            tls,
        });
        let porter = Arc::new(Porter {
            logins: Logins::new(directory.clone()),
            upstream: Upstream {
                directory: directory.clone(),
                routes,
                clock: kit.clock.clone(),
                grace: config.grace.duration(),
            },
            delays: LoginDelays::new(kit.clock.clone()),
            bans: Bans::new(
                config.bans.clone(),
                kit.clock.clone(),
                counts.banned.clone(),
            ),
            presence: Presence::new(config.sessions_per_account),
            sessions: Sessions::default(),
            clock: kit.clock.clone(),
            scram: AtomicBool::new(false),
            counts,
        });
        Ok(Self {
            admission: Admission::new("mail", config.connections, &kit.metrics),
            config,
            kit,
            directory,
            porter,
        })
    }

    fn serve_mail(&self) -> anyhow::Result<()> {
        let Config {
            imap,
            imaps,
            pop3,
            pop3s,
            allow,
            ..
        } = &self.config;
        for (name, listen, security) in [
            ("imap", imap, Security::Clear),
            ("imaps", imaps, Security::Tls),
        ] {
            let mail = self.mail(&allow.imap);
            let service = self.service(name, listen, security, mail::imap::BUSY);
            self.listen(service, move |stream| {
                mail::imap::serve(mail.clone(), stream)
            })?;
        }
        for (name, listen, security) in [
            ("pop3", pop3, Security::Clear),
            ("pop3s", pop3s, Security::Tls),
        ] {
            let mail = self.mail(&allow.pop3);
            let service = self.service(name, listen, security, mail::pop3::BUSY);
            self.listen(service, move |stream| {
                mail::pop3::serve(mail.clone(), stream)
            })?;
        }
        Ok(())
    }

    fn listen<F, Fut>(&self, service: Service, handle: F) -> anyhow::Result<()>
    where
        F: Fn(Stream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let balancers = &self.config.balancers;
        self.kit.serve_behind(balancers, service, handle)?;
        Ok(())
    }

    fn mail(&self, allowed: &Networks) -> Mail {
        Mail {
            porter: Arc::clone(&self.porter),
            around: Surroundings {
                clock: self.kit.clock.clone(),
                tls: self.kit.tls.clone(),
                draining: self.kit.tasks.draining(),
            },
            allowed: allowed.clone(),
            login_timeout: self.config.login_timeout.duration(),
            linger: self.config.linger.duration(),
        }
    }

    fn service(
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
            admission: self.admission.clone(),
            busy,
        }
    }
}
