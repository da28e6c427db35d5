//! Settings that change while the daemon runs: what SIGHUP puts into force, and what it cannot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roost_kit::Kit;
use roost_kit::net::Admission;

use crate::config::Config;
use crate::dispatch::Dispatcher;
use crate::inbound::accounts::LdapAccounts;
use crate::inbound::backend::Entrance;
use crate::inbound::policy::Present;
use crate::outbound::{HickoryDns, Ways};
use crate::route::{LdapAddresses, Router};

/// What settings change.
pub(crate) struct Reload {
    /// What holds now.
    pub(crate) config: Config,
    /// Names and hosts.
    pub(crate) dns: HickoryDns,
    /// Deliveries and the queue's times.
    pub(crate) dispatcher: Arc<Dispatcher<LdapAddresses, HickoryDns>>,
    /// The postmaster, the port of other hosts.
    pub(crate) router: Arc<Router<LdapAddresses>>,
    /// The size of messages.
    pub(crate) policy: Arc<Present>,
    /// How much may be sent.
    pub(crate) entrance: Arc<Entrance<LdapAddresses, LdapAccounts, HickoryDns>>,
    /// Connections from other hosts.
    pub(crate) smtp: Admission,
    /// Connections from our own users.
    pub(crate) submission: Admission,
    /// The journal's size.
    pub(crate) checkpoint: Arc<AtomicU64>,
}

impl Reload {
    /// Follows the configuration until sessions have ended.
    pub(crate) fn begin(mut self, kit: &Kit) {
        let (stopping, mut configuration) = (kit.tasks.stopping(), kit.configuration.clone());
        // What was there at start holds already.
        configuration.mark_unchanged();
        kit.tasks.spawn_worker("settings", async move {
            loop {
                // Cancel-safe: neither future has any state.
                tokio::select! {
                    () = stopping.cancelled() => return Ok(()),
                    changed = configuration.changed() => if changed.is_err() {
                        return Ok(());
                    },
                }
                let read = configuration.borrow_and_update().settings::<Config>();
                match read {
                    Ok(config) => self.take(config),
                    // It was checked before it was announced.
                    Err(error) => tracing::error!(%error, "the settings stay as they were"),
                }
            }
        });
    }

    fn take(&mut self, config: Config) {
        for setting in need_restart(&self.config, &config) {
            tracing::warn!(
                setting = format!("mta.{setting}"),
                "the setting has changed and needs a restart"
            );
        }
        if let Err(error) = self.put_into_force(&config) {
            let error = format!("{error:#}");
            tracing::error!(error, "some settings stay as they were");
            return;
        }
        self.config = config;
        tracing::info!("settings of [mta] are in force");
    }

    /// What can fail comes first, so that all or nothing of the rest holds.
    fn put_into_force(&self, config: &Config) -> anyhow::Result<()> {
        let ways = Ways::new(config.lmtp.clone(), config.outbound_tls.clone())?;
        if config.name_servers != self.config.name_servers {
            self.dns.ask(&config.servers())?;
        }
        self.router.set_smtp_port(config.smtp_port);
        let postmaster = config.postmaster.as_ref().map(|office| office.0.clone());
        self.router.addresses().set_postmaster(postmaster);
        self.policy
            .set_default_size(config.message_size_max.as_u64());
        if config.messages_per_minute != self.config.messages_per_minute {
            // What everybody has sent so far is forgotten with the old limit.
            self.entrance.set_rate(config.messages_per_minute);
        }
        self.smtp.set_limits(config.connections.smtp.clone());
        self.submission
            .set_limits(config.connections.submission.clone());
        let checkpoint = config.checkpoint.as_u64();
        self.checkpoint.store(checkpoint, Ordering::Relaxed);
        self.dispatcher
            .set(config.lifetime(), config.concurrency(), ways);
        Ok(())
    }
}

/// The changed settings that hold only after a restart.
fn need_restart(now: &Config, new: &Config) -> Vec<&'static str> {
    let all = [
        ("state", now.state != new.state),
        ("smtp", now.smtp != new.smtp),
        ("submission", now.submission != new.submission),
        ("submissions", now.submissions != new.submissions),
        ("control", now.control != new.control),
        ("health", now.health != new.health),
        ("smtp_timeout", now.smtp_timeout != new.smtp_timeout),
    ];
    let changed = all.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_need_a_restart_and_nothing_else_does() {
        let now = Config::default();
        let mut new = now.clone();
        new.messages_per_minute += 1;
        new.smtp_port = 2525;
        assert!(need_restart(&now, &new).is_empty());
        new.state = "/elsewhere".into();
        new.smtp = roost_kit::config::Listen::default();
        assert_eq!(need_restart(&now, &new), ["state", "smtp"]);
    }
}
