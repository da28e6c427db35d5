//! Telling what waits: by mail all of it in one, by HTTP one after the other.

use std::sync::Arc;
use std::time::Duration;

use roost_kit::Kit;
use roost_kit::config::{Configuration, ListenSpec};
use roost_kit::fields::Chain;
use tokio::sync::watch;

use super::config::Settings;
use super::engine::Shared;
use super::ledger::{Waiting, Way};
use super::letter::letter;
use super::metrics::{Counts, Told};
use super::webhook;
use crate::post;
use crate::stats::database::DatabaseError;

/// How often it is looked for what is due again.
const PERIOD: Duration = Duration::from_secs(5);
/// Between the first attempts, and at most, in seconds.
const AGAIN: i64 = 15;
const AGAIN_MAX: i64 = 1_800;
/// What could not be told for so long is given up, in seconds.
const EXPIRY: i64 = 3 * 86_400;

pub(super) struct Teller {
    pub(super) shared: Arc<Shared>,
    pub(super) configuration: watch::Receiver<Arc<Configuration>>,
    pub(super) counts: Counts,
}

impl Teller {
    pub(super) async fn run(self, kit: Kit) -> anyhow::Result<()> {
        let stopping = kit.tasks.stopping();
        loop {
            // Cancel-safe: what waits stays in the database until it was told.
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                () = self.shared.news.notified() => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
            let told = tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                told = self.tell_all() => told,
            };
            if let Err(error) = told {
                tracing::warn!(error = %Chain(&error), "what is to be told cannot be read");
            }
        }
    }

    async fn tell_all(&self) -> Result<(), DatabaseError> {
        let configuration = Arc::clone(&self.configuration.borrow());
        let Ok(settings) = Settings::load(&configuration) else {
            // The engine says what is wrong with it.
            return Ok(());
        };
        let now = self.shared.clock.now().as_second();
        let mail = self.shared.ledger.due(Way::Mail, now).await?;
        if !mail.is_empty() {
            let place = match &settings.mail.server {
                Some(place) => Ok(place.clone()),
                None => post::mta(&configuration),
            };
            let sent = match place {
                Ok(place) => self.mail(&settings, &mail, &place).await,
                Err(error) => Err(error.to_string()),
            };
            for waiting in &mail {
                self.done(Way::Mail, waiting, &sent, now).await?;
            }
        }
        for waiting in self.shared.ledger.due(Way::Webhook, now).await? {
            let sent = match serde_json::to_string(&waiting.event) {
                Ok(body) => webhook::send(&settings.webhook, body, now).await,
                Err(error) => Err(error.to_string()),
            };
            self.done(Way::Webhook, &waiting, &sent, now).await?;
            if sent.is_err() {
                // The rest would wait in vain, and order is kept.
                break;
            }
        }
        Ok(())
    }

    async fn mail(
        &self,
        settings: &Settings,
        waiting: &[Waiting],
        place: &ListenSpec,
    ) -> Result<(), String> {
        if settings.mail.to.is_empty() {
            return Ok(());
        }
        let events: Vec<_> = waiting
            .iter()
            .map(|waiting| waiting.event.clone())
            .collect();
        let mail = letter(&events, settings.mail.to.clone());
        let sent = post::send(&mail, place, &self.shared.node).await;
        sent.map_err(|error| Chain(&error).to_string())
    }

    async fn done(
        &self,
        way: Way,
        waiting: &Waiting,
        sent: &Result<(), String>,
        now: i64,
    ) -> Result<(), DatabaseError> {
        let outcome = match sent {
            Ok(()) => Told::Taken,
            Err(_) if now.saturating_sub(waiting.made) > EXPIRY => Told::GivenUp,
            Err(_) => Told::Deferred,
        };
        self.counts.told(way, outcome);
        let (rule, subject) = (&waiting.event.rule, &waiting.event.subject);
        match (outcome, sent) {
            (Told::Deferred, Err(why)) => {
                if waiting.tries == 0 {
                    tracing::warn!(
                        ?way,
                        rule,
                        subject,
                        why,
                        "an alert cannot be told; it is tried again"
                    );
                }
                let pause = AGAIN
                    .saturating_mul(1 << waiting.tries.min(8))
                    .min(AGAIN_MAX);
                self.shared
                    .ledger
                    .later(waiting.id, now.saturating_add(pause))
                    .await
            }
            (Told::GivenUp, Err(why)) => {
                tracing::error!(
                    ?way,
                    rule,
                    subject,
                    why,
                    "an alert was not told for three days; given up"
                );
                self.shared.ledger.told(waiting.id).await
            }
            _ => self.shared.ledger.told(waiting.id).await,
        }
    }
}
