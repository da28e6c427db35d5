//! Alerts, silences and what waits to be told, in the database of the statistics.

use sqlx::{Connection, SqliteConnection};

use super::event::Event;
use super::phase::{Alert, Phase};
use super::rule::{Rule, Severity};
use crate::stats::database::{Database, DatabaseError, failed};

/// What waits to be told at most, each way; the oldest gives way.
const WAITING_MAX: i64 = 1_000;

mod sql {
    pub(super) const ALERTS: &str =
        "SELECT rule, subject, phase, severity, began, since, text, told, acknowledged FROM alert";
    pub(super) const PUT: &str = "INSERT OR REPLACE INTO alert
        (rule, subject, phase, severity, began, since, told, text, acknowledged)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    pub(super) const DROP: &str = "DELETE FROM alert WHERE rule = ? AND subject = ?";
    pub(super) const SILENCES: &str =
        "SELECT id, rule, subject, severity, until, note FROM silence ORDER BY id";
    pub(super) const SILENCE: &str =
        "INSERT INTO silence (rule, subject, severity, until, note) VALUES (?, ?, ?, ?, ?)";
    pub(super) const END_SILENCE: &str = "DELETE FROM silence WHERE id = ?";
    pub(super) const TELL: &str =
        "INSERT INTO outgoing (way, content, made, next) VALUES (?, ?, ?, ?)";
    pub(super) const MAKE_ROOM: &str = "DELETE FROM outgoing WHERE way = ?1 AND id <= (
        SELECT id FROM outgoing WHERE way = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    pub(super) const DUE: &str = "SELECT id, content, made, tries FROM outgoing
        WHERE way = ? AND next <= ? ORDER BY id LIMIT 50";
    pub(super) const TOLD: &str = "DELETE FROM outgoing WHERE id = ?";
    pub(super) const LATER: &str = "UPDATE outgoing SET next = ?, tries = tries + 1 WHERE id = ?";
}

/// How something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// By mail.
    Mail,
    /// By HTTP.
    Webhook,
}

roost_kit::label_values!(Way);

impl Way {
    pub(crate) const ALL: [Self; 2] = [Self::Mail, Self::Webhook];

    const fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }
}

/// Nobody is told of what a silence covers, until it ends, or it gets worse than it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Silence {
    /// Its number.
    pub(crate) id: i64,
    /// Of which rule.
    pub(crate) rule: Rule,
    /// Of what; `*` is everything.
    pub(crate) subject: String,
    /// Up to how bad.
    pub(crate) severity: Severity,
    /// When it ends, in seconds since 1970.
    pub(crate) until: i64,
    /// Why.
    pub(crate) note: String,
}

impl Silence {
    /// Whether an alert is covered now.
    #[must_use]
    pub(crate) fn covers(&self, alert: &Alert, now: i64) -> bool {
        self.rule == alert.rule
            && (self.subject == "*" || self.subject == alert.subject)
            && alert.severity <= self.severity
            && now < self.until
    }
}

/// Something that waits to be told.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) id: i64,
    pub(crate) event: Event,
    pub(crate) made: i64,
    pub(crate) tries: u32,
}

/// What is to be written of a round.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) put: Vec<Alert>,
    pub(crate) drop: Vec<(Rule, String)>,
    pub(crate) tell: Vec<(Way, Event)>,
    pub(crate) ended: Vec<i64>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.put.is_empty() && self.drop.is_empty() && self.tell.is_empty() && self.ended.is_empty()
    }
}

/// The database of alerts; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(pub(crate) Database);

impl Ledger {
    pub(crate) async fn alerts(&self) -> Result<Vec<Alert>, DatabaseError> {
        type Row = (
            String,
            String,
            String,
            String,
            i64,
            i64,
            String,
            Option<i64>,
            Option<String>,
        );
        let rows: Vec<Row> = sqlx::query_as(sql::ALERTS)
            .fetch_all(self.0.readers())
            .await
            .map_err(failed("read the alerts"))?;
        let alerts = rows.into_iter().filter_map(
            |(rule, subject, phase, severity, began, since, text, told, acknowledged)| {
                // Of a rule that is no more nothing is known.
                Some(Alert {
                    rule: Rule::coded(&rule)?,
                    subject,
                    phase: Phase::named(&phase)?,
                    severity: Severity::named(&severity)?,
                    began,
                    since,
                    text,
                    told,
                    acknowledged,
                    good_since: None,
                })
            },
        );
        Ok(alerts.collect())
    }

    pub(crate) async fn silences(&self) -> Result<Vec<Silence>, DatabaseError> {
        let rows: Vec<(i64, String, String, String, i64, String)> = sqlx::query_as(sql::SILENCES)
            .fetch_all(self.0.readers())
            .await
            .map_err(failed("read the silences"))?;
        let silences = rows
            .into_iter()
            .filter_map(|(id, rule, subject, severity, until, note)| {
                Some(Silence {
                    id,
                    rule: Rule::coded(&rule)?,
                    subject,
                    severity: Severity::named(&severity)?,
                    until,
                    note,
                })
            });
        Ok(silences.collect())
    }

    /// Writes a round, all or nothing.
    pub(crate) async fn write(&self, changes: &Changes, now: i64) -> Result<(), DatabaseError> {
        let mut writer = self.0.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed("begin a round of alerts"))?;
        for alert in &changes.put {
            put(&mut transaction, alert).await?;
        }
        for (rule, subject) in &changes.drop {
            sqlx::query(sql::DROP)
                .bind(rule.code())
                .bind(subject)
                .execute(&mut *transaction)
                .await
                .map_err(failed("drop an alert"))?;
        }
        for id in &changes.ended {
            sqlx::query(sql::END_SILENCE)
                .bind(id)
                .execute(&mut *transaction)
                .await
                .map_err(failed("end a silence"))?;
        }
        for (way, event) in &changes.tell {
            tell(&mut transaction, *way, event, now).await?;
        }
        transaction
            .commit()
            .await
            .map_err(failed("keep a round of alerts"))
    }

    pub(crate) async fn silence(&self, silence: &Silence) -> Result<i64, DatabaseError> {
        let mut writer = self.0.writer().await;
        let added = sqlx::query(sql::SILENCE)
            .bind(silence.rule.code())
            .bind(&silence.subject)
            .bind(silence.severity.name())
            .bind(silence.until)
            .bind(&silence.note)
            .execute(&mut *writer)
            .await
            .map_err(failed("keep a silence"))?;
        Ok(added.last_insert_rowid())
    }

    pub(crate) async fn due(&self, way: Way, now: i64) -> Result<Vec<Waiting>, DatabaseError> {
        let rows: Vec<(i64, String, i64, i64)> = sqlx::query_as(sql::DUE)
            .bind(way.name())
            .bind(now)
            .fetch_all(self.0.readers())
            .await
            .map_err(failed("see what waits to be told"))?;
        let waiting = rows.into_iter().filter_map(|(id, content, made, tries)| {
            Some(Waiting {
                id,
                event: serde_json::from_str(&content).ok()?,
                made,
                tries: u32::try_from(tries).ok()?,
            })
        });
        Ok(waiting.collect())
    }

    /// It was told, or given up.
    pub(crate) async fn told(&self, id: i64) -> Result<(), DatabaseError> {
        self.execute(sqlx::query(sql::TOLD).bind(id)).await
    }

    /// It could not be told; it is tried again then.
    pub(crate) async fn later(&self, id: i64, next: i64) -> Result<(), DatabaseError> {
        self.execute(sqlx::query(sql::LATER).bind(next).bind(id))
            .await
    }

    async fn execute(
        &self,
        query: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<(), DatabaseError> {
        let mut writer = self.0.writer().await;
        query
            .execute(&mut *writer)
            .await
            .map_err(failed("note what was told"))?;
        Ok(())
    }
}

async fn put(connection: &mut SqliteConnection, alert: &Alert) -> Result<(), DatabaseError> {
    sqlx::query(sql::PUT)
        .bind(alert.rule.code())
        .bind(&alert.subject)
        .bind(alert.phase.name())
        .bind(alert.severity.name())
        .bind(alert.began)
        .bind(alert.since)
        .bind(alert.told)
        .bind(&alert.text)
        .bind(&alert.acknowledged)
        .execute(connection)
        .await
        .map_err(failed("keep an alert"))?;
    Ok(())
}

async fn tell(
    connection: &mut SqliteConnection,
    way: Way,
    event: &Event,
    now: i64,
) -> Result<(), DatabaseError> {
    let content = serde_json::to_string(event).unwrap_or_default();
    sqlx::query(sql::TELL)
        .bind(way.name())
        .bind(content)
        .bind(now)
        .bind(now)
        .execute(&mut *connection)
        .await
        .map_err(failed("queue what is told"))?;
    sqlx::query(sql::MAKE_ROOM)
        .bind(way.name())
        .bind(WAITING_MAX)
        .execute(connection)
        .await
        .map_err(failed("make room for what is told"))?;
    Ok(())
}
