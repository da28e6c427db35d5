//! How fast somebody may sign in, by address and by account: Zimbra's limits of its proxies
//! (`zimbraReverseProxyIPLoginLimit`, `zimbraReverseProxyUserLoginLimit` and the times they are for).

use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use roost_core_directory::model::GlobalConfig;
use roost_core_directory::name::AccountId;
use roost_kit::clock::Clock;
use roost_kit::limit::{KeyedRates, Rate, address_key};
use roost_kit::metrics::EncodeLabelSet;

/// Addresses or accounts that are remembered at a time: about 3 MB each.
const KEYS_MAX: usize = 32_768;

/// Whose limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TooFast {
    /// The address's.
    Address,
    /// The account's.
    Account,
}

impl TooFast {
    pub(crate) const ALL: [Self; 2] = [Self::Address, Self::Account];
}

roost_kit::label_values!(TooFast);

/// For the metrics.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct TooFastLabel {
    pub(crate) limit: TooFast,
}

/// The paces.
#[derive(Debug)]
pub(crate) struct Paces {
    by_address: Pace<IpAddr>,
    by_account: Pace<AccountId>,
    clock: Clock,
}

/// One of them, by the settings it was made for.
#[derive(Debug)]
struct Pace<K>(Mutex<Option<(Settings, KeyedRates<K>)>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Settings {
    count: u32,
    within: Duration,
}

impl Paces {
    pub(crate) const fn new(clock: Clock) -> Self {
        Self {
            by_address: Pace(Mutex::new(None)),
            by_account: Pace(Mutex::new(None)),
            clock,
        }
    }

    /// Somebody tries to sign in from an address. This machine's own has no limit: behind it are other
    /// services and the administrator.
    pub(crate) fn tries(&self, address: IpAddr, config: &GlobalConfig) -> Result<(), TooFast> {
        let names = [
            "zimbraReverseProxyIPLoginLimit",
            "zimbraReverseProxyIPLoginLimitTime",
        ];
        let settings = Settings::of(config, names);
        match address.is_loopback()
            || self
                .by_address
                .take(address_key(address), settings, &self.clock)
        {
            true => Ok(()),
            false => Err(TooFast::Address),
        }
    }

    /// An account has proved itself.
    pub(crate) fn enters(&self, account: AccountId, config: &GlobalConfig) -> Result<(), TooFast> {
        let names = [
            "zimbraReverseProxyUserLoginLimit",
            "zimbraReverseProxyUserLoginLimitTime",
        ];
        let settings = Settings::of(config, names);
        match self.by_account.take(account, settings, &self.clock) {
            true => Ok(()),
            false => Err(TooFast::Account),
        }
    }
}

impl Settings {
    /// Nothing where there is no limit.
    fn of(config: &GlobalConfig, [count, within]: [&str; 2]) -> Option<Self> {
        let number = |name| {
            config
                .setting(name)
                .integer()
                .and_then(|number| u32::try_from(number).ok())
        };
        Some(Self {
            count: number(count).filter(|count| *count > 0)?,
            within: Duration::from_secs(u64::from(number(within).unwrap_or(3600).max(1))),
        })
    }
}

impl<K: Hash + Eq + Clone> Pace<K> {
    fn take(&self, key: K, settings: Option<Settings>, clock: &Clock) -> bool {
        let mut pace = self.0.lock();
        let Some(settings) = settings else {
            *pace = None;
            return true;
        };
        let kept = pace.take().filter(|(own, _)| *own == settings);
        let (_, rates) = pace.insert(kept.unwrap_or_else(|| {
            let rate = Rate::per(settings.count, settings.within);
            (settings, KeyedRates::new(rate, KEYS_MAX, clock.clone()))
        }));
        rates.take(key).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_pace_holds_for_its_settings() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let pace = Pace(Mutex::new(None));
        let settings = |count| {
            Some(Settings {
                count,
                within: Duration::from_secs(60),
            })
        };
        let take = |key, count| pace.take(key, settings(count), &clock);
        assert!(take("a", 2) && take("a", 2) && !take("a", 2));
        assert!(take("b", 2));
        clock.advance(Duration::from_secs(30));
        assert!(take("a", 2) && !take("a", 2));
        assert!(take("a", 5), "other settings begin anew");
        assert!(pace.take("a", None, &clock), "no settings, no limit");
    }
}
