//! Inherited settings: the one place that knows whose value holds.
//!
//! An account takes what it does not have from its class of service, then from its domain, then
//! from the global configuration, then from the table's default; a domain and a server take it from
//! the global configuration. Only levels that carry the attribute are asked, and only attributes
//! that the table calls inherited go past the first of them. The nearer value wins whole: values of
//! two levels are never mixed.

use std::time::Duration;

use crate::entry::Attributes;
use crate::name::EmailAddress;
use crate::schema::{self, AttributeType, Carrier, kind};

/// A level that can hold a setting, nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The account itself.
    Account,
    /// A distribution list.
    List,
    /// The class of service.
    Cos,
    /// The domain.
    Domain,
    /// The server.
    Server,
    /// The global configuration.
    Global,
}

impl Level {
    /// The kinds of entry that its entry is.
    const fn carriers(self) -> &'static [Carrier] {
        match self {
            Self::Account => &[
                Carrier::Account,
                Carrier::Recipient,
                Carrier::Resource,
                Carrier::Amavis,
            ],
            Self::List => &[Carrier::List, Carrier::Recipient],
            Self::Cos => &[Carrier::Cos],
            Self::Domain => &[
                Carrier::Domain,
                Carrier::Recipient,
                Carrier::Amavis,
                Carrier::Dkim,
            ],
            Self::Server => &[Carrier::Server],
            Self::Global => &[Carrier::Global],
        }
    }

    fn carries(self, attribute: &AttributeType) -> bool {
        self.carriers().iter().any(|carrier| {
            attribute.on.contains(carrier) || attribute.required_on.contains(carrier)
        })
    }
}

/// Where a setting has its value from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An entry of this level.
    Level(Level),
    /// The table's default.
    Default,
    /// Nowhere: it has no value.
    Unset,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Level(Level::Account) => "account",
            Self::Level(Level::List) => "list",
            Self::Level(Level::Cos) => "cos",
            Self::Level(Level::Domain) => "domain",
            Self::Level(Level::Server) => "server",
            Self::Level(Level::Global) => "config",
            Self::Default => "default",
            Self::Unset => "unset",
        })
    }
}

/// A setting as it holds, with where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Where the values come from.
    pub origin: Origin,
    stored: &'a [Vec<u8>],
    default: &'static [&'static str],
}

/// The setting `name` as it holds for the first of these levels; the others follow, nearest first.
#[must_use]
pub fn resolve<'a>(name: &str, levels: &[(Level, &'a Attributes)]) -> Setting<'a> {
    let Some(attribute) = schema::attribute(name) else {
        let own = levels
            .first()
            .map(|(level, attributes)| (*level, attributes.get(name)));
        return Setting::found(own.filter(|(_, values)| !values.is_empty()), &[]);
    };
    let carrying = levels.iter().filter(|(level, _)| level.carries(attribute));
    let reach = if attribute.inherited { levels.len() } else { 1 };
    let found = carrying
        .take(reach)
        .map(|(level, attributes)| (*level, attributes.get(attribute.name)))
        .find(|(_, values)| !values.is_empty());
    Setting::found(found, attribute.default)
}

/// Every setting that has a value for the first of these levels: its own, and what it inherits.
/// What nobody sets is left out; [`resolve`] knows the table's default for it.
pub fn effective<'a>(
    levels: &[(Level, &'a Attributes)],
) -> impl Iterator<Item = (&'static AttributeType, Setting<'a>)> {
    let all = schema::attributes().map(|row| (row, resolve(row.name, levels)));
    all.filter(|(_, setting)| matches!(setting.origin, Origin::Level(_)))
}

impl<'a> Setting<'a> {
    fn found(stored: Option<(Level, &'a [Vec<u8>])>, default: &'static [&'static str]) -> Self {
        match stored {
            Some((level, stored)) => Self {
                origin: Origin::Level(level),
                stored,
                default,
            },
            None if default.is_empty() => Self {
                origin: Origin::Unset,
                stored: &[],
                default,
            },
            None => Self {
                origin: Origin::Default,
                stored: &[],
                default,
            },
        }
    }

    /// The values as bytes.
    pub fn values(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let default = if self.stored.is_empty() {
            self.default
        } else {
            &[]
        };
        let stored = self.stored.iter().map(Vec::as_slice);
        stored.chain(default.iter().map(|value| value.as_bytes()))
    }

    /// The values that are text.
    pub fn texts(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.values()
            .filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first value, as text.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        self.texts().next()
    }

    /// The first value, as a boolean.
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        self.read(|text| match text {
            "TRUE" => Some(true),
            "FALSE" => Some(false),
            _ => None,
        })
    }

    /// The first value, as a number.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        self.read(kind::integer)
    }

    /// The first value, as a size or a count; negative ones are none.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.integer().and_then(|number| number.try_into().ok())
    }

    /// The first value, as a port.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.integer().and_then(|number| number.try_into().ok())
    }

    /// The first value, as a duration.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.read(kind::duration)
    }

    /// The first value, as a point in time.
    #[must_use]
    pub fn time(&self) -> Option<jiff::Timestamp> {
        self.read(kind::time)
    }

    /// All e-mail addresses among the values; several in one value have commas between them.
    pub fn addresses(&self) -> impl Iterator<Item = EmailAddress> + use<'a> {
        self.texts()
            .flat_map(|text| text.split(','))
            .filter_map(|text| EmailAddress::parse_mailbox(text).ok())
    }

    /// Reads the first value; where the stored one is not of the type, the table's default holds.
    fn read<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.text()
            .and_then(&parse)
            .or_else(|| self.default.first().and_then(|text| parse(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(pairs: &[(&str, &str)]) -> Attributes {
        let mut attributes = Attributes::default();
        for (name, value) in pairs {
            attributes.add(name, [*value]);
        }
        attributes
    }

    #[test]
    fn the_nearest_value_wins_whole() {
        let account = attributes(&[]);
        let cos = attributes(&[("zimbraPrefTimeZoneId", "Europe/Zurich")]);
        let domain = attributes(&[
            ("zimbraPrefTimeZoneId", "Asia/Tokyo"),
            ("zimbraPrefTimeZoneId", "Asia/Seoul"),
            ("zimbraAdminSieveScriptBefore", "keep;"),
        ]);
        let global = attributes(&[("zimbraDumpsterEnabled", "TRUE")]);
        let levels = [
            (Level::Account, &account),
            (Level::Cos, &cos),
            (Level::Domain, &domain),
            (Level::Global, &global),
        ];
        let zone = resolve("zimbraPrefTimeZoneId", &levels);
        assert_eq!(zone.texts().collect::<Vec<_>>(), ["Europe/Zurich"]);
        assert_eq!(zone.origin, Origin::Level(Level::Cos));
        let script = resolve("zimbraAdminSieveScriptBefore", &levels);
        assert_eq!(script.origin, Origin::Level(Level::Domain));
        let dumpster = resolve("zimbraDumpsterEnabled", &levels);
        assert_eq!(
            (dumpster.boolean(), dumpster.origin),
            (Some(true), Origin::Level(Level::Global))
        );
        let quota = resolve("zimbraMailQuota", &levels);
        assert_eq!((quota.integer(), quota.origin), (Some(0), Origin::Default));
        assert_eq!(resolve("zimbraPrefLocale", &levels).origin, Origin::Unset);
    }

    #[test]
    fn levels_that_do_not_carry_an_attribute_are_not_asked() {
        // A class of service must not lend its accounts a status, nor a domain its own quota.
        let account = attributes(&[]);
        let cos = attributes(&[("zimbraAccountStatus", "closed")]);
        let domain = attributes(&[("zimbraMailQuota", "5"), ("zimbraDomainStatus", "locked")]);
        let levels = [
            (Level::Account, &account),
            (Level::Cos, &cos),
            (Level::Domain, &domain),
        ];
        assert_eq!(
            resolve("zimbraAccountStatus", &levels).origin,
            Origin::Unset
        );
        assert_eq!(resolve("zimbraMailQuota", &levels).origin, Origin::Default);
        assert_eq!(
            resolve("zimbraDomainStatus", &levels).text(),
            Some("locked")
        );
    }

    #[test]
    fn effective_settings_are_those_that_somebody_set() {
        let account = attributes(&[("zimbraMailQuota", "5")]);
        let cos = attributes(&[
            ("zimbraMailQuota", "7"),
            ("zimbraPrefLocale", "de"),
            ("cn", "big"),
        ]);
        let levels = [(Level::Account, &account), (Level::Cos, &cos)];
        let all: Vec<_> = effective(&levels)
            .map(|(row, setting)| (row.name, setting.text().unwrap(), setting.origin))
            .collect();
        assert_eq!(
            all,
            [
                ("zimbraMailQuota", "5", Origin::Level(Level::Account)),
                ("zimbraPrefLocale", "de", Origin::Level(Level::Cos)),
            ]
        );
    }

    #[test]
    fn a_server_overrides_the_global_configuration() {
        let server = attributes(&[("zimbraLmtpBindPort", "17025")]);
        let global = attributes(&[
            ("zimbraLmtpBindPort", "7026"),
            ("zimbraImapBindPort", "1143"),
        ]);
        let levels = [(Level::Server, &server), (Level::Global, &global)];
        assert_eq!(resolve("zimbraLmtpBindPort", &levels).port(), Some(17025));
        assert_eq!(resolve("zimbraImapBindPort", &levels).port(), Some(1143));
        assert_eq!(resolve("zimbraPop3BindPort", &levels).port(), Some(7110));
    }

    #[test]
    fn a_stored_value_of_the_wrong_type_gives_way_to_the_default() {
        let account = attributes(&[("zimbraImapEnabled", "perhaps")]);
        let levels = [(Level::Account, &account)];
        assert_eq!(resolve("zimbraImapEnabled", &levels).boolean(), Some(true));
    }
}
