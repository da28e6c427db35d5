//! From settings to a daemon that serves.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;
use roost_core_directory::client::{Directory, Settings as DirectorySettings};
use roost_kit::Kit;
use roost_kit::config::{Listen, ListenSpec};
use roost_kit::limit::LoginGuard;
use roost_kit::net::{Admission, Networks, Security, Service, Stream};
use roost_kit::place;
use roost_login::{Logins, Presence};
use rustls::ClientConfig;

use crate::bans::Bans;
use crate::config::Config;
use crate::door::Porter;
use crate::mail::{self, Mail};
use crate::memcached::Memcached;
use crate::metrics::Counts;
use crate::pace::Paces;
use crate::route::{Parts, Routes, SharedRoutes};
use crate::sessions::Sessions;
use crate::upstream::Upstream;
use crate::web::{self, Web};
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
    if !daemon.config.memcached.is_empty() {
        upkeep::begin_to_learn(&daemon.kit, Arc::clone(&daemon.porter));
    }
    watch::begin(
        &daemon.kit.tasks,
        daemon.directory.clone(),
        daemon.porter.sessions.clone(),
        daemon.porter.upstream.routes.shared_routes().clone(),
        daemon.config.watch.duration(),
    );
    let web = daemon.web()?;
    let router = control::router(Arc::clone(&daemon.porter), Arc::clone(&web));
    daemon.kit.control(&daemon.config.control, router)?;
    daemon.serve_web(&web)?;
    daemon.serve_mail()
}

/// What the services are made of.
struct Daemon {
    config: Config,
    kit: Kit,
    directory: Directory,
    porter: Arc<Porter>,
    admission: Admission,
    /// Whom the proxy trusts to be a store or an upstream.
    tls: Arc<ClientConfig>,
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
        let memcached = Memcached::new(config.memcached.iter().cloned(), kit.clock.clone());
        let routes = Routes::new(Parts {
            directory: directory.clone(),
            node: kit.shared.node.name.clone(),
            places: config.stores.clone(),
            policy: config.store_tls,
            tls: Arc::clone(&tls),
            shared: SharedRoutes::new(memcached.clone()),
        });
        let porter = Arc::new(Porter {
            logins: Logins::new(directory.clone()),
            upstream: Upstream {
                directory: directory.clone(),
                routes,
                clock: kit.clock.clone(),
                grace: config.grace.duration(),
            },
            guard: LoginGuard::new(kit.clock.clone()),
            bans: Bans::new(
                config.bans.clone(),
                kit.clock.clone(),
                counts.banned.clone(),
                memcached,
            ),
            paces: Paces::new(kit.clock.clone()),
            presence: Presence::new(config.sessions_per_account),
            sessions: Sessions::default(),
            clock: kit.clock.clone(),
            scram: AtomicBool::new(false),
            counts,
        });
        Ok(Self {
            admission: Admission::new("mail", config.connections.clone(), &kit.metrics),
            tls,
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
        let (mail, extensions) = (self.mail(&allow.sieve), &self.config.sieve_extensions);
        let extensions: Arc<str> = Arc::from(extensions.as_str());
        let places = &self.config.sieve;
        let service = self.service("sieve", places, Security::Clear, mail::sieve::BUSY);
        self.listen(service, move |stream| {
            mail::sieve::serve(mail.clone(), Arc::clone(&extensions), stream)
        })
    }

    fn web(&self) -> anyhow::Result<Arc<Web>> {
        let https_port = self.config.https.iter().find_map(|place| match place {
            ListenSpec::Address(address) => Some(address.port()),
            ListenSpec::Path(_) => None,
        });
        Ok(Arc::new(Web::new(web::Parts {
            porter: Arc::clone(&self.porter),
            tasks: self.kit.tasks.clone(),
            settings: self.config.web.clone(),
            tls: Arc::clone(&self.tls),
            node: self.kit.shared.node.name.clone(),
            https_port: https_port.filter(|port| *port != place::HTTPS),
            allowed: self.config.allow.web.clone(),
            linger: self.config.linger.duration(),
        })?))
    }

    fn serve_web(&self, web: &Arc<Web>) -> anyhow::Result<()> {
        let limits = self.config.web.connections.clone();
        let admission = Admission::new("web", limits, &self.kit.metrics);
        for (name, listen, security) in [
            ("http", &self.config.http, Security::Clear),
            ("https", &self.config.https, Security::Https),
        ] {
            let service = Service {
                name,
                listen: listen.clone(),
                security,
                admission: admission.clone(),
                busy: web::BUSY,
            };
            let web = Arc::clone(web);
            self.listen(service, move |stream| Arc::clone(&web).serve(stream))?;
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
            around: self.kit.surroundings(),
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
