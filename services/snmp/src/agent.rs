//! The session with the master agent (RFC 2741, section 7), and its return when the master went away.

mod session;

use std::sync::Arc;
use std::time::Duration;

use roost_kit::Kit;
use roost_kit::config::ListenSpec;
use roost_kit::metrics::{Counter, Gauge};
use tokio::sync::{mpsc, watch};

use crate::config::Config;
use crate::notices::Notice;
use roost_node::Node;
use session::{Ended, Session};

/// Between attempts to reach the master agent: at first, and at most.
const RETURN_AFTER: Duration = Duration::from_secs(1);
const RETURN_AFTER_MAX: Duration = Duration::from_secs(15);

/// What the agent lives on.
#[derive(Debug)]
pub struct Agent {
    config: Config,
    node: watch::Receiver<Arc<Node>>,
    notices: mpsc::Receiver<Notice>,
    counts: Counts,
}

#[derive(Debug)]
pub(crate) struct Counts {
    /// 1 while a session is open.
    open: Gauge,
    /// Requests answered.
    pub(crate) requests: Counter,
    /// Notifications handed to the master agent.
    pub(crate) notifications: Counter,
}

impl Agent {
    /// An agent that answers from the newest node and sends these notices.
    #[must_use]
    pub fn new(
        kit: &Kit,
        config: Config,
        node: watch::Receiver<Arc<Node>>,
        notices: mpsc::Receiver<Notice>,
    ) -> Self {
        let metrics = &kit.metrics;
        let counts = Counts {
            open: metrics.gauge("agentx_sessions_open", "Sessions with the master agent"),
            requests: metrics.counter("requests", "Requests of the master agent answered"),
            notifications: metrics.counter("notifications", "Notifications sent"),
        };
        Self {
            config,
            node,
            notices,
            counts,
        }
    }

    /// Serves until the daemon stops. A master agent that is not there is waited for.
    pub async fn run(mut self, kit: Kit) -> anyhow::Result<()> {
        let stopping = kit.tasks.draining();
        let mut pause = RETURN_AFTER;
        let mut is_said = false;
        loop {
            let session = tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                session = Session::open(&self.config.agentx, &kit.clock) => session,
            };
            match session {
                Ok(mut session) => {
                    pause = RETURN_AFTER;
                    is_said = false;
                    tracing::info!(master = %self.config.agentx, "registered with the master agent");
                    kit.notify.status("registered with the master agent");
                    self.counts.open.set(1);
                    let ended = session
                        .serve(
                            &self.config.notify,
                            &mut self.node,
                            &mut self.notices,
                            &self.counts,
                            &stopping,
                        )
                        .await;
                    self.counts.open.set(0);
                    match ended {
                        Ended::Stopped => return Ok(()),
                        Ended::Lost(why) => {
                            tracing::warn!(why, "the master agent went away; waiting for it");
                        }
                    }
                }
                Err(error) if !is_said => {
                    is_said = true;
                    tracing::info!(
                        master = %self.config.agentx,
                        %error,
                        "waiting for the master agent: snmpd with `master agentx` in snmpd.conf, and a \
                         socket that this user may use"
                    );
                    kit.notify.status("waiting for the master agent");
                }
                Err(error) => {
                    tracing::debug!(%error, "the master agent cannot be reached");
                }
            }
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            pause = pause.saturating_mul(2).min(RETURN_AFTER_MAX);
        }
    }
}

/// Why no session came to be.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody listens, or we may not.
    #[error("cannot connect to {master}: {source}")]
    Connect {
        /// Where.
        master: ListenSpec,
        /// Why.
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] std::io::Error),
    /// The master said something that we do not understand.
    #[error(transparent)]
    Malformed(#[from] crate::wire::Malformed),
    /// The master said no.
    #[error("the master agent refused to {what}: {}", error.name())]
    Refused {
        /// What we asked for.
        what: String,
        /// Its answer.
        error: crate::wire::Error,
    },
    /// The master did not answer.
    #[error("the master agent did not answer within {0:?}")]
    TimedOut(Duration),
}
