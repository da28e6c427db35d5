//! A cache with bounded staleness.
//!
//! An answer is served for as long as it is fresh. Then one caller asks again while the others for
//! the same key wait for what it learns. When the directory cannot be asked, the old answer is
//! served on until it is stale beyond use, and nobody asks again for a moment.
//!
//! A server that hangs is worse than one that is away: each of the look-ups that a recipient needs
//! would wait in turn. So where an old answer will do, the wait is short, and for a moment nobody
//! who has one waits again, whatever the key ([`Silence`]).

use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use moka::future::Cache as Moka;
use moka::ops::compute::{CompResult, Op};
use parking_lot::Mutex;
use roost_kit::clock::Clock;
use tokio::time::timeout;

use super::settings::Freshness;
use super::unavailable::{Cause, Unavailable};

pub(super) struct Cache<K, V> {
    slots: Moka<K, Slot<V>>,
    fresh: Duration,
    freshness: Freshness,
    silence: Silence,
    clock: Clock,
}

/// Until when a server that hung is not waited for where an old answer will do; shared by the
/// caches of a directory.
#[derive(Debug, Clone, Default)]
pub(super) struct Silence(Arc<Mutex<Option<Instant>>>);

#[derive(Clone)]
struct Slot<V> {
    /// What the directory said, and when.
    known: Option<(Option<V>, Instant)>,
    /// Why it could not be asked again, and until when nobody tries.
    failed: Option<(Unavailable, Instant)>,
}

impl<K, V> Cache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(
        capacity: u64,
        fresh: Duration,
        freshness: &Freshness,
        silence: &Silence,
        clock: &Clock,
    ) -> Self {
        Self {
            slots: Moka::new(capacity),
            fresh,
            freshness: freshness.clone(),
            silence: silence.clone(),
            clock: clock.clone(),
        }
    }

    /// The value for a key, from the cache or by asking.
    ///
    /// Both futures are boxed: look-ups ask for one another, and each layer would hold several
    /// copies of the one below.
    pub(super) fn get<'a, F>(
        &'a self,
        key: &'a K,
        ask: F,
    ) -> BoxFuture<'a, Result<Option<V>, Unavailable>>
    where
        F: Future<Output = Result<Option<V>, Unavailable>> + Send + 'a,
    {
        let ask: BoxFuture<'a, _> = Box::pin(ask);
        Box::pin(self.look_up(key, ask))
    }

    async fn look_up(
        &self,
        key: &K,
        ask: BoxFuture<'_, Result<Option<V>, Unavailable>>,
    ) -> Result<Option<V>, Unavailable> {
        if let Some(slot) = self.slots.get(key).await
            && let Some(answer) = self.answer(&slot)
        {
            return answer;
        }
        // Computations for the same key take turns; whoever comes second finds the first one's slot.
        let outcome = self
            .slots
            .entry_by_ref(key)
            .and_compute_with(|entry| async move {
                let old = entry.map(moka::Entry::into_value);
                if old.as_ref().is_some_and(|slot| self.answer(slot).is_some()) {
                    return Op::Nop;
                }
                let usable = old.as_ref().is_some_and(|slot| self.is_usable(slot));
                let asked = match usable {
                    true => self.ask_briefly(ask).await,
                    false => ask.await,
                };
                Op::Put(self.renewed(old, asked))
            })
            .await;
        match outcome {
            CompResult::Inserted(entry)
            | CompResult::ReplacedWith(entry)
            | CompResult::Unchanged(entry) => {
                let slot = entry.into_value();
                self.answer(&slot).unwrap_or_else(|| slot.last_word())
            }
            CompResult::StillNone(_) | CompResult::Removed(_) => Ok(None),
        }
    }

    /// Whether a slot has an answer that will do while the directory cannot be asked.
    fn is_usable(&self, slot: &Slot<V>) -> bool {
        let known = slot.known.as_ref();
        known.is_some_and(|(value, at)| {
            let age = self.clock.instant().saturating_duration_since(*at);
            value.is_some() && age < self.freshness.stale
        })
    }

    /// Asks, but does not wait long for a server that hangs.
    async fn ask_briefly(
        &self,
        ask: BoxFuture<'_, Result<Option<V>, Unavailable>>,
    ) -> Result<Option<V>, Unavailable> {
        let what = "look-up";
        let silent = *self.silence.0.lock();
        if silent.is_some_and(|until| self.clock.instant() < until) {
            return Err(Cause::Deadline { what }.into());
        }
        let asked = timeout(self.freshness.patience, ask).await;
        let pause = asked.is_err().then_some(self.freshness.pause);
        *self.silence.0.lock() = pause.map(|pause| self.clock.instant() + pause);
        asked.unwrap_or_else(|_| Err(Cause::Deadline { what }.into()))
    }

    /// What a slot answers now; nothing when the directory has to be asked.
    fn answer(&self, slot: &Slot<V>) -> Option<Result<Option<V>, Unavailable>> {
        let now = self.clock.instant();
        if let Some((value, at)) = &slot.known {
            let age = now.saturating_duration_since(*at);
            let fresh = if value.is_some() {
                self.fresh
            } else {
                self.freshness.negative
            };
            let paused = slot.failed.as_ref().is_some_and(|(_, until)| now < *until);
            if age < fresh || (paused && value.is_some() && age < self.freshness.stale) {
                return Some(Ok(value.clone()));
            }
        }
        match &slot.failed {
            Some((error, until)) if now < *until => Some(Err(error.clone())),
            _ => None,
        }
    }

    /// The slot after asking.
    fn renewed(&self, old: Option<Slot<V>>, asked: Result<Option<V>, Unavailable>) -> Slot<V> {
        let now = self.clock.instant();
        match asked {
            Ok(value) => Slot {
                known: Some((value, now)),
                failed: None,
            },
            Err(error) => Slot {
                known: old.and_then(|slot| slot.known),
                failed: Some((error, now + self.freshness.pause)),
            },
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.slots.invalidate_all();
    }
}

impl<V> Slot<V> {
    /// What it said last, when it is too old already (the clock was moved meanwhile).
    fn last_word(self) -> Result<Option<V>, Unavailable> {
        match (self.failed, self.known) {
            (Some((error, _)), _) => Err(error),
            (None, known) => Ok(known.and_then(|(value, _)| value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use jiff::Timestamp;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn cache(clock: &Clock) -> Cache<u8, &'static str> {
        Cache::new(
            10,
            MINUTE,
            &Freshness::default(),
            &Silence::default(),
            clock,
        )
    }

    async fn down() -> Result<Option<&'static str>, Unavailable> {
        Err(Cause::Busy.into())
    }

    #[tokio::test]
    async fn answers_are_asked_again_when_they_are_old() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let cache = cache(&clock);
        assert_eq!(
            cache.get(&1, async { Ok(Some("old")) }).await.unwrap(),
            Some("old")
        );
        assert_eq!(
            cache.get(&1, async { Ok(Some("new")) }).await.unwrap(),
            Some("old")
        );
        clock.advance(MINUTE);
        assert_eq!(
            cache.get(&1, async { Ok(Some("new")) }).await.unwrap(),
            Some("new")
        );
    }

    #[tokio::test]
    async fn a_server_that_hangs_is_waited_for_once_and_shortly_where_an_old_answer_will_do() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let freshness = Freshness {
            patience: Duration::from_millis(1),
            ..Freshness::default()
        };
        let cache = Cache::new(10, MINUTE, &freshness, &Silence::default(), &clock);
        for key in [1, 2] {
            cache.get(&key, async { Ok(Some("seen")) }).await.unwrap();
        }
        clock.advance(MINUTE * 2);
        let hung = std::future::pending();
        assert_eq!(cache.get(&1, hung).await.unwrap(), Some("seen"));
        let unasked = async { unreachable!("nobody waits again") };
        assert_eq!(cache.get(&2, unasked).await.unwrap(), Some("seen"));
        clock.advance(MINUTE);
        let answer = cache.get(&1, async { Ok(Some("new")) }).await;
        assert_eq!(answer.unwrap(), Some("new"), "it is asked again");
    }

    #[tokio::test]
    async fn old_answers_serve_while_the_directory_is_down_but_not_for_ever() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let cache = cache(&clock);
        cache.get(&1, async { Ok(Some("seen")) }).await.unwrap();
        clock.advance(MINUTE * 2);
        assert_eq!(cache.get(&1, down()).await.unwrap(), Some("seen"));
        clock.advance(MINUTE * 60);
        assert!(cache.get(&1, down()).await.is_err());
    }

    #[tokio::test]
    async fn that_there_is_none_is_believed_for_a_moment_only() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let cache = cache(&clock);
        assert_eq!(cache.get(&1, async { Ok(None) }).await.unwrap(), None);
        assert_eq!(
            cache.get(&1, async { Ok(Some("new")) }).await.unwrap(),
            None
        );
        clock.advance(Freshness::default().negative);
        assert!(
            cache.get(&1, down()).await.is_err(),
            "an old 'there is none' is no answer"
        );
        clock.advance(MINUTE);
        assert_eq!(
            cache.get(&1, async { Ok(Some("new")) }).await.unwrap(),
            Some("new")
        );
    }

    #[tokio::test]
    async fn after_a_failure_nobody_asks_for_a_moment() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let cache = cache(&clock);
        assert!(cache.get(&1, down()).await.is_err());
        assert!(cache.get(&1, async { Ok(Some("up")) }).await.is_err());
        clock.advance(Freshness::default().pause);
        assert_eq!(
            cache.get(&1, async { Ok(Some("up")) }).await.unwrap(),
            Some("up")
        );
    }

    #[tokio::test]
    async fn look_ups_of_the_same_key_are_asked_once() {
        let cache = cache(&Clock::manual(Timestamp::UNIX_EPOCH));
        let asked = AtomicUsize::new(0);
        let ask = || async {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(Some("one"))
        };
        let all = futures_util::future::join_all((0..20).map(|_| cache.get(&1, ask()))).await;
        assert!(all.into_iter().all(|answer| answer.unwrap() == Some("one")));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
