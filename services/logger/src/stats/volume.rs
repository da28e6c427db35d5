//! Mail by day, domain and account, counted from the structured lines of mta and store.
//!
//! | line | counts |
//! |---|---|
//! | `accepted` of the mta, with an account that signed in | sent, sent octets, recipients |
//! | `delivery` of the mta, failed for good | returned, of its sender |
//! | `delivered` of a store | received, received octets; spam and virus by its verdict |
//!
//! Lines are told with the number under which they are durable; what was counted is written together
//! with that number, so that a line counts once however often it is told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sqlx::Connection;

use super::database::{Database, DatabaseError, failed};

/// Accounts of a day that are told apart; further ones are counted by domain only.
const ACCOUNTS_MAX: usize = 100_000;
/// Domains of a day that are told apart.
const DOMAINS_MAX: usize = 10_000;
/// How long volumes by domain are kept, in days.
const DOMAIN_DAYS: i64 = 400;
/// The mark under which it stands how far lines were counted.
const MARK: &str = "lines";

/// What is counted of a domain or an account in a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Messages that were put into mailboxes.
    pub received: u64,
    /// Their octets.
    pub received_bytes: u64,
    /// Messages that were handed in by who had signed in.
    pub sent: u64,
    /// Their octets.
    pub sent_bytes: u64,
    /// Recipients of those.
    pub recipients: u64,
    /// Recipients that could not be reached, whose sender was told.
    pub returned: u64,
    /// Received messages that a scanner called spam.
    pub spam: u64,
    /// Received messages that a scanner called infected.
    pub virus: u64,
}

impl Volume {
    pub(super) fn add(&mut self, other: &Self) {
        for (own, other) in [
            (&mut self.received, other.received),
            (&mut self.received_bytes, other.received_bytes),
            (&mut self.sent, other.sent),
            (&mut self.sent_bytes, other.sent_bytes),
            (&mut self.recipients, other.recipients),
            (&mut self.returned, other.returned),
            (&mut self.spam, other.spam),
            (&mut self.virus, other.virus),
        ] {
            *own = own.saturating_add(other);
        }
    }
}

/// Whose mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Of a domain.
    Domain = 0,
    /// Of an account.
    Account = 1,
}

/// What a line says about mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Whose, as an address.
    pub account: String,
    /// What is added.
    pub volume: Volume,
}

impl Fact {
    /// Reads a line of ours: which program said what, and its fields. Nothing where it counts nothing.
    pub fn read<'a>(
        program: &str,
        message: &str,
        field: impl Fn(&str) -> Option<&'a str>,
    ) -> Option<Self> {
        let number = |name: &str| field(name).and_then(|text| text.parse::<u64>().ok());
        let mut volume = Volume::default();
        let account = match (program, message) {
            ("roost-mta", "accepted") => {
                volume.sent = 1;
                volume.sent_bytes = number("size")?;
                // As addresses; of many only some are told.
                let told = field("recipients")?.split_ascii_whitespace().count();
                volume.recipients = u64::try_from(told).unwrap_or_default();
                field("account")?
            }
            ("roost-mta", "delivery") if field("outcome") == Some("bounced") => {
                volume.returned = 1;
                field("from")?
            }
            ("roost-store", "delivered") => {
                volume.received = 1;
                volume.received_bytes = number("size")?;
                match field("verdict") {
                    Some("spam") => volume.spam = 1,
                    Some("virus") => volume.virus = 1,
                    _ => {}
                }
                field("account")?
            }
            _ => return None,
        };
        let account = account.trim_matches(['<', '>']).to_lowercase();
        account.contains('@').then_some(Self { account, volume })
    }
}

type Key = (Date, Scope, String);

/// The counting; cheap to clone.
#[derive(Debug, Clone)]
pub struct Volumes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    zone: TimeZone,
    account_days: i64,
    gathered: Mutex<Gathered>,
}

#[derive(Debug, Default)]
struct Gathered {
    /// The number of the last line that was counted.
    reached: u64,
    /// Up to which number lines were counted before this process began.
    before: u64,
    volumes: BTreeMap<Key, Volume>,
    /// How many names of a day and scope are known.
    names: HashMap<(Date, Scope), usize>,
}

mod sql {
    pub(super) const REACHED: &str = "SELECT value FROM mark WHERE name = ?";
    pub(super) const REACH: &str = "INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)";
    pub(super) const ADD: &str = "INSERT INTO volume
        (day, scope, name, received, received_bytes, sent, sent_bytes, recipients, returned, spam, virus)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (day, scope, name) DO UPDATE SET
        received = received + excluded.received, received_bytes = received_bytes + excluded.received_bytes,
        sent = sent + excluded.sent, sent_bytes = sent_bytes + excluded.sent_bytes,
        recipients = recipients + excluded.recipients, returned = returned + excluded.returned,
        spam = spam + excluded.spam, virus = virus + excluded.virus";
    pub(super) const FORGET: &str = "DELETE FROM volume WHERE scope = ? AND day < ?";
    pub(super) const NAMES: &str =
        "SELECT day, scope, count(*) FROM volume WHERE day >= ? GROUP BY day, scope";
    pub(super) const OF_DAY: &str = "SELECT name, received, received_bytes, sent, sent_bytes,
        recipients, returned, spam, virus FROM volume WHERE day = ? AND scope = ? ORDER BY name";
}

impl Volumes {
    /// Goes on where the database stands.
    pub async fn open(
        database: Database,
        account_days: u16,
        now: Timestamp,
    ) -> Result<Self, DatabaseError> {
        let zone = TimeZone::system();
        let reached: Option<(i64,)> = sqlx::query_as(sql::REACHED)
            .bind(MARK)
            .fetch_optional(database.readers())
            .await
            .map_err(failed("see how far lines were counted"))?;
        let today = now.to_zoned_datetime(zone.clone()).date();
        let known: Vec<(String, i64, i64)> = sqlx::query_as(sql::NAMES)
            .bind(today.to_string())
            .fetch_all(database.readers())
            .await
            .map_err(failed("count names"))?;
        let names = known.into_iter().filter_map(|(day, scope, count)| {
            let scope = if scope == 0 {
                Scope::Domain
            } else {
                Scope::Account
            };
            Some(((day.parse().ok()?, scope), usize::try_from(count).ok()?))
        });
        let before = reached.map_or(0, |(value,)| u64::try_from(value).unwrap_or_default());
        Ok(Self(Arc::new(Inner {
            database,
            zone,
            account_days: i64::from(account_days),
            gathered: Mutex::new(Gathered {
                reached: before,
                before,
                volumes: BTreeMap::new(),
                names: names.collect(),
            }),
        })))
    }

    /// Where the lines were begun anew (their folder was removed), their numbers are: counting is too.
    pub fn begin_anew_after(&self, last: u64) {
        let mut gathered = self.0.gathered.lock();
        if gathered.reached > last {
            tracing::warn!(
                counted = gathered.reached,
                last,
                "lines were removed; counting from here"
            );
            gathered.reached = last;
            gathered.before = last;
        }
    }

    /// A single value that is kept.
    pub async fn mark(&self, name: &str) -> Result<Option<i64>, DatabaseError> {
        let found: Option<(i64,)> = sqlx::query_as(sql::REACHED)
            .bind(name)
            .fetch_optional(self.0.database.readers())
            .await
            .map_err(failed("read a mark"))?;
        Ok(found.map(|(value,)| value))
    }

    /// Keeps a single value.
    pub async fn set_mark(&self, name: &str, value: i64) -> Result<(), DatabaseError> {
        let mut writer = self.0.database.writer().await;
        sqlx::query(sql::REACH)
            .bind(name)
            .bind(value)
            .execute(&mut *writer)
            .await
            .map_err(failed("keep a mark"))?;
        Ok(())
    }

    /// The number of the last line that was counted.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.0.gathered.lock().reached
    }

    /// Counts what lines under one number say; what was told before counts nothing.
    pub fn take(&self, number: u64, facts: impl IntoIterator<Item = (Timestamp, Fact)>) {
        let mut gathered = self.0.gathered.lock();
        if number <= gathered.before || number < gathered.reached {
            return;
        }
        gathered.reached = number;
        for (at, fact) in facts {
            let day = at.to_zoned_datetime(self.0.zone.clone()).date();
            let domain = fact
                .account
                .rsplit_once('@')
                .map(|(_, domain)| domain.to_owned());
            if let Some(domain) = domain {
                gathered.add((day, Scope::Domain, domain), &fact.volume);
            }
            gathered.add((day, Scope::Account, fact.account), &fact.volume);
        }
    }

    /// Writes what was gathered. What cannot be written stays.
    pub async fn flush(&self, now: Timestamp) -> Result<(), DatabaseError> {
        let (volumes, reached) = {
            let mut gathered = self.0.gathered.lock();
            (std::mem::take(&mut gathered.volumes), gathered.reached)
        };
        let written = self.write(&volumes, reached, now).await;
        if written.is_err() {
            let mut gathered = self.0.gathered.lock();
            for (key, volume) in volumes {
                gathered.volumes.entry(key).or_default().add(&volume);
            }
        }
        written
    }

    async fn write(
        &self,
        volumes: &BTreeMap<Key, Volume>,
        reached: u64,
        now: Timestamp,
    ) -> Result<(), DatabaseError> {
        let today = now.to_zoned_datetime(self.0.zone.clone()).date();
        let mut writer = self.0.database.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed("begin to count mail"))?;
        for ((day, scope, name), volume) in volumes {
            let mut query = sqlx::query(sql::ADD)
                .bind(day.to_string())
                .bind(*scope as i64)
                .bind(name);
            for figure in [
                volume.received,
                volume.received_bytes,
                volume.sent,
                volume.sent_bytes,
                volume.recipients,
                volume.returned,
                volume.spam,
                volume.virus,
            ] {
                query = query.bind(whole(figure));
            }
            query
                .execute(&mut *transaction)
                .await
                .map_err(failed("count mail"))?;
        }
        for (scope, days) in [
            (Scope::Domain, DOMAIN_DAYS),
            (Scope::Account, self.0.account_days),
        ] {
            let oldest = today.saturating_sub(jiff::Span::new().days(days));
            sqlx::query(sql::FORGET)
                .bind(scope as i64)
                .bind(oldest.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(failed("forget old mail"))?;
        }
        sqlx::query(sql::REACH)
            .bind(MARK)
            .bind(whole(reached))
            .execute(&mut *transaction)
            .await
            .map_err(failed("note how far lines were counted"))?;
        transaction
            .commit()
            .await
            .map_err(failed("keep what was counted"))
    }

    /// The volumes of a day by name, what is not written yet included.
    pub async fn of_day(
        &self,
        day: Date,
        scope: Scope,
    ) -> Result<BTreeMap<String, Volume>, DatabaseError> {
        type Row = (String, i64, i64, i64, i64, i64, i64, i64, i64);
        let gathered: Vec<(String, Volume)> = {
            let gathered = self.0.gathered.lock();
            let of_day = gathered.volumes.iter();
            let of_day = of_day.filter(|((of, by, _), _)| *of == day && *by == scope);
            of_day
                .map(|((_, _, name), volume)| (name.clone(), *volume))
                .collect()
        };
        let rows: Vec<Row> = sqlx::query_as(sql::OF_DAY)
            .bind(day.to_string())
            .bind(scope as i64)
            .fetch_all(self.0.database.readers())
            .await
            .map_err(failed("read a day's mail"))?;
        let mut volumes: BTreeMap<String, Volume> = rows
            .into_iter()
            .map(
                |(
                    name,
                    received,
                    received_bytes,
                    sent,
                    sent_bytes,
                    recipients,
                    returned,
                    spam,
                    virus,
                )| {
                    let figures = [
                        received,
                        received_bytes,
                        sent,
                        sent_bytes,
                        recipients,
                        returned,
                        spam,
                        virus,
                    ];
                    let [
                        received,
                        received_bytes,
                        sent,
                        sent_bytes,
                        recipients,
                        returned,
                        spam,
                        virus,
                    ] = figures.map(|figure| u64::try_from(figure).unwrap_or_default());
                    let volume = Volume {
                        received,
                        received_bytes,
                        sent,
                        sent_bytes,
                        recipients,
                        returned,
                        spam,
                        virus,
                    };
                    (name, volume)
                },
            )
            .collect();
        for (name, volume) in gathered {
            volumes.entry(name).or_default().add(&volume);
        }
        Ok(volumes)
    }

    /// The day of a moment, by this node's time zone.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> Date {
        at.to_zoned_datetime(self.0.zone.clone()).date()
    }
}

impl Gathered {
    fn add(&mut self, key: Key, volume: &Volume) {
        let most = match key.1 {
            Scope::Domain => DOMAINS_MAX,
            Scope::Account => ACCOUNTS_MAX,
        };
        let is_new = !self.volumes.contains_key(&key);
        let names = self.names.entry((key.0, key.1)).or_default();
        if is_new && *names >= most {
            return;
        }
        *names += usize::from(is_new);
        self.volumes.entry(key).or_default().add(volume);
        // Days that are over need no count any more.
        if self.names.len() > 16
            && let Some(oldest) = self.names.keys().map(|(day, _)| *day).min()
        {
            self.names.retain(|(day, _), _| *day != oldest);
        }
    }
}

fn whole(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(program: &str, message: &str, fields: &[(&str, &'static str)]) -> Option<Fact> {
        Fact::read(program, message, |name| {
            let found = fields.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| *value)
        })
    }

    fn delivered(size: u64) -> Fact {
        let volume = Volume {
            received: 1,
            received_bytes: size,
            ..Volume::default()
        };
        Fact {
            account: "a@x.test".to_owned(),
            volume,
        }
    }

    #[test]
    fn lines_of_ours_are_facts() {
        let sent = read(
            "roost-mta",
            "accepted",
            &[
                ("account", "Alice@X.test"),
                ("size", "100"),
                ("recipients", "b@y.test c@y.test d@y.test"),
                ("from", "alice@x.test"),
            ],
        );
        let sent = sent.unwrap();
        assert_eq!(sent.account, "alice@x.test");
        assert_eq!(
            (
                sent.volume.sent,
                sent.volume.sent_bytes,
                sent.volume.recipients
            ),
            (1, 100, 3)
        );
        // From other hosts: the store counts it when it comes.
        assert_eq!(
            read(
                "roost-mta",
                "accepted",
                &[("size", "100"), ("recipients", "1")]
            ),
            None
        );
        let received = read(
            "roost-store",
            "delivered",
            &[("account", "b@x.test"), ("size", "7"), ("verdict", "spam")],
        );
        let received = received.unwrap().volume;
        assert_eq!(
            (received.received, received.received_bytes, received.spam),
            (1, 7, 1)
        );
        let bounced = [("from", "<a@x.test>"), ("outcome", "bounced")];
        assert_eq!(
            read("roost-mta", "delivery", &bounced)
                .unwrap()
                .volume
                .returned,
            1
        );
        assert_eq!(
            read(
                "roost-mta",
                "delivery",
                &[("from", "a@x.test"), ("outcome", "deferred")]
            ),
            None
        );
        assert_eq!(
            read(
                "roost-mta",
                "delivery",
                &[("from", "<>"), ("outcome", "bounced")]
            ),
            None
        );
        assert_eq!(
            read(
                "postfix",
                "delivered",
                &[("account", "b@x.test"), ("size", "7")]
            ),
            None
        );
    }

    #[tokio::test]
    async fn a_line_counts_once_however_often_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path()).await.unwrap();
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let volumes = Volumes::open(database.clone(), 35, at).await.unwrap();
        let day = volumes.day(at);
        volumes.take(1, [(at, delivered(10)), (at, delivered(20))]);
        volumes.take(2, [(at, delivered(30))]);
        volumes.flush(at).await.unwrap();
        volumes.take(3, [(at, delivered(1_000))]);
        // As after a kill: 3 was not written, and everything is told again.
        let volumes = Volumes::open(database, 35, at).await.unwrap();
        assert_eq!(volumes.reached(), 2);
        for (number, size) in [(1, 30), (2, 30), (3, 1_000)] {
            volumes.take(number, [(at, delivered(size))]);
        }
        for scope in [Scope::Account, Scope::Domain] {
            let found = volumes.of_day(day, scope).await.unwrap();
            let found = found.values().next().unwrap();
            assert_eq!((found.received, found.received_bytes), (4, 1_060));
        }
        volumes.flush(at).await.unwrap();
        let year_later = at + jiff::Span::new().hours(24 * 401);
        volumes.flush(year_later).await.unwrap();
        assert!(volumes.of_day(day, Scope::Domain).await.unwrap().is_empty());
    }
}
