//! What a user's new password must be like, and when an account is locked (the attributes
//! `zimbraPassword…`, inherited from the class of service).

use std::time::Duration;

use jiff::Timestamp;
use roost_core_directory::schema::kind;

use crate::entry::Entry;
use crate::schema::Schema;

/// The rules that hold for one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Characters at least.
    pub length_min: usize,
    /// Characters at most; 0 is no limit.
    pub length_max: usize,
    /// Upper case letters at least.
    pub upper_min: usize,
    /// Lower case letters at least.
    pub lower_min: usize,
    /// Digits at least.
    pub digits_min: usize,
    /// Other characters at least.
    pub punctuation_min: usize,
    /// Digits and other characters together, at least.
    pub digits_or_punctuation_min: usize,
    /// Days until it may be changed again.
    pub age_min_days: u64,
    /// Earlier passwords that may not come back.
    pub history: usize,
    /// Common passwords are refused.
    pub block_common: bool,
    /// Only administrators change it.
    pub locked: bool,
    /// When failed logins lock the account.
    pub lockout: Option<Lockout>,
}

/// When failed logins lock an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// How many.
    pub failures: usize,
    /// Within what time; zero is ever.
    pub within: Duration,
    /// For how long; zero is until an administrator unlocks it.
    pub lasts: Duration,
}

/// Passwords of which everybody tries the first ones first.
const COMMON: &[&str] = &[
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "111111",
    "000000",
    "121212",
    "654321",
    "666666",
    "696969",
    "abc123",
    "abcd1234",
    "access",
    "admin",
    "admin123",
    "baseball",
    "batman",
    "changeme",
    "charlie",
    "computer",
    "donald",
    "dragon",
    "football",
    "freedom",
    "hello",
    "hello123",
    "iloveyou",
    "jordan",
    "killer",
    "letmein",
    "login",
    "master",
    "michael",
    "monkey",
    "mustang",
    "pass",
    "passw0rd",
    "password",
    "password1",
    "password123",
    "pokemon",
    "princess",
    "qwerty",
    "qwerty123",
    "qwertyuiop",
    "root",
    "secret",
    "shadow",
    "starwars",
    "sunshine",
    "superman",
    "test",
    "test123",
    "trustno1",
    "welcome",
    "welcome1",
    "whatever",
    "zaq12wsx",
    "zxcvbnm",
    "qazwsx",
    "1q2w3e4r",
    "asdfghjkl",
    "passwort",
    "hallo",
    "schatz",
];

impl Policy {
    /// The rules for an account: `levels` are its entry, its class of service, and so on, nearest
    /// first; the table's defaults come last.
    #[must_use]
    pub fn of(schema: &Schema, levels: &[&Entry]) -> Self {
        let values = Values { schema, levels };
        let lockout = values
            .is_set("zimbraPasswordLockoutEnabled")
            .then(|| Lockout {
                failures: values.number("zimbraPasswordLockoutMaxFailures"),
                within: values.duration("zimbraPasswordLockoutFailureLifetime"),
                lasts: values.duration("zimbraPasswordLockoutDuration"),
            });
        Self {
            length_min: values.number("zimbraPasswordMinLength"),
            length_max: values.number("zimbraPasswordMaxLength"),
            upper_min: values.number("zimbraPasswordMinUpperCaseChars"),
            lower_min: values.number("zimbraPasswordMinLowerCaseChars"),
            digits_min: values.number("zimbraPasswordMinNumericChars"),
            punctuation_min: values.number("zimbraPasswordMinPunctuationChars"),
            digits_or_punctuation_min: values.number("zimbraPasswordMinDigitsOrPuncs"),
            age_min_days: values.number("zimbraPasswordMinAge") as u64,
            history: values.number("zimbraPasswordEnforceHistory"),
            block_common: values.is_set("zimbraPasswordBlockCommonEnabled"),
            locked: values.is_set("zimbraPasswordLocked"),
            lockout: lockout.filter(|lockout| lockout.failures > 0),
        }
    }

    /// What is wrong with a new password; `None` if nothing is.
    #[must_use]
    pub fn objection(&self, password: &str) -> Option<String> {
        let count = |of: fn(&char) -> bool| password.chars().filter(of).count();
        let digits = count(char::is_ascii_digit);
        let punctuation = password.chars().filter(|c| !c.is_alphanumeric()).count();
        let length = password.chars().count();
        if self.length_max > 0 && length > self.length_max {
            return Some(format!("it has more than {} characters", self.length_max));
        }
        if self.block_common && COMMON.contains(&password.to_lowercase().as_str()) {
            return Some("it is among the passwords that everybody tries first".to_owned());
        }
        let upper = password.chars().filter(|c| c.is_uppercase()).count();
        let lower = password.chars().filter(|c| c.is_lowercase()).count();
        [
            (length, self.length_min, "characters"),
            (upper, self.upper_min, "upper case letters"),
            (lower, self.lower_min, "lower case letters"),
            (digits, self.digits_min, "digits"),
            (
                punctuation,
                self.punctuation_min,
                "characters that are neither letter nor digit",
            ),
            (
                digits + punctuation,
                self.digits_or_punctuation_min,
                "digits or punctuation marks",
            ),
        ]
        .into_iter()
        .find(|(has, least, _)| has < least)
        .map(|(_, least, what)| format!("it needs at least {least} {what}"))
    }
}

impl Lockout {
    /// The failures that still count at `now`.
    #[must_use]
    pub fn recent(&self, failures: &[Timestamp], now: Timestamp) -> Vec<Timestamp> {
        let counts = |time: &Timestamp| self.within.is_zero() || since(*time, now) < self.within;
        let mut recent: Vec<Timestamp> = failures.iter().copied().filter(counts).collect();
        recent.sort_unstable();
        recent
    }

    /// Whether an account that was locked at `since` still is.
    #[must_use]
    pub fn holds(&self, locked: Timestamp, now: Timestamp) -> bool {
        self.lasts.is_zero() || since(locked, now) < self.lasts
    }
}

/// The time between, zero if `then` is not before.
#[must_use]
pub fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

struct Values<'a> {
    schema: &'a Schema,
    levels: &'a [&'a Entry],
}

impl Values<'_> {
    fn text(&self, name: &str) -> &str {
        let own = self
            .levels
            .iter()
            .find_map(|entry| entry.text_of(self.schema, name));
        let default = || {
            self.schema
                .attribute(name)
                .and_then(|a| a.row.default.first())
                .copied()
        };
        own.or_else(default).unwrap_or_default()
    }

    fn is_set(&self, name: &str) -> bool {
        self.text(name) == "TRUE"
    }

    fn number(&self, name: &str) -> usize {
        self.text(name).parse().unwrap_or_default()
    }

    fn duration(&self, name: &str) -> Duration {
        kind::duration(self.text(name)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dn::Dn;

    #[test]
    fn the_nearest_level_decides_and_the_table_comes_last() {
        let schema = Schema::new();
        let id = |name: &str| schema.attribute(name).unwrap().id;
        let mut account = Entry::new(Dn::ROOT);
        let mut cos = Entry::new(Dn::ROOT);
        cos.push(id("zimbraPasswordMinLength"), b"12".to_vec());
        cos.push(id("zimbraPasswordMinNumericChars"), b"2".to_vec());
        account.push(id("zimbraPasswordMinNumericChars"), b"1".to_vec());
        let policy = Policy::of(&schema, &[&account, &cos]);
        assert_eq!((policy.length_min, policy.digits_min), (12, 1));
        assert_eq!(policy.length_max, 64);
        assert_eq!(policy.lockout, None);
    }

    #[test]
    fn objections_say_what_is_missing() {
        let schema = Schema::new();
        let mut policy = Policy::of(&schema, &[]);
        policy.digits_min = 1;
        policy.block_common = true;
        assert_eq!(
            policy.objection("abc").unwrap(),
            "it needs at least 6 characters"
        );
        assert_eq!(
            policy.objection("abcdefgh").unwrap(),
            "it needs at least 1 digits"
        );
        assert!(policy.objection("Password1").unwrap().contains("everybody"));
        assert_eq!(policy.objection("tulip-42-garden"), None);
    }

    #[test]
    fn failures_lock_for_a_while() {
        let lockout = Lockout {
            failures: 3,
            within: Duration::from_secs(60),
            lasts: Duration::from_secs(600),
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(
            lockout.recent(&[at(0), at(50), at(70)], at(100)),
            [at(50), at(70)]
        );
        assert!(lockout.holds(at(100), at(699)));
        assert!(!lockout.holds(at(100), at(700)));
    }
}
