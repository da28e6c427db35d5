//! One row of the table: an attribute type.

use super::class::Carrier;
use super::kind::Kind;
use super::oid::Oid;
use super::syntax::{Rule, Syntax};

/// An attribute type, as the table declares it.
#[derive(Debug, Clone, Copy)]
pub struct AttributeType {
    /// Its object identifier.
    pub oid: Oid,
    /// Its name, as it is written.
    pub name: &'static str,
    /// Other names that clients may use for it.
    pub aliases: &'static [&'static str],
    /// What its values are.
    pub kind: Kind,
    /// Whether an entry holds at most one value.
    pub single: bool,
    /// The attribute type that it is a subtype of.
    pub superior: Option<&'static str>,
    /// The kinds of entry that must have it.
    pub required_on: &'static [Carrier],
    /// The kinds of entry that may have it.
    pub on: &'static [Carrier],
    /// Whether an entry without a value takes that of the next level.
    pub inherited: bool,
    /// What holds where no level has a value.
    pub default: &'static [&'static str],
    /// Who may see and change it.
    pub access: Access,
    /// Whether it belongs to users or to the server.
    pub usage: Usage,
    /// Where OpenLDAP has its definition from.
    pub source: Source,
}

/// Who may see an attribute and change it, beyond administrators, who may do both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The owner and the service accounts read it; administrators write it.
    Plain,
    /// As plain, and everybody of the same domain finds it in the address list.
    AddressBook,
    /// The owner reads and writes it: a preference.
    Preference,
    /// Nobody reads it, not even the owner: password material. It can be bound with and replaced.
    Secret,
    /// Only administrators and service accounts read it: keys and passwords for other systems.
    Key,
}

/// Whom an attribute belongs to (RFC 4512 §2.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// `userApplications`.
    User,
    /// `directoryOperation`: kept by the server, sent only when asked for.
    Operational,
    /// `dSAOperation`: of this server alone.
    Server,
}

/// Where OpenLDAP has the definition from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Compiled into slapd, or in Debian's `core`, `cosine`, `inetorgperson` or `dyngroup` schema.
    Standard,
    /// Written into `roost.schema`.
    Roost,
    /// Only the embedded server has it.
    Embedded,
}

impl AttributeType {
    /// Starts a row: a single value for nobody.
    pub(super) const fn new(oid: Oid, name: &'static str, kind: Kind, source: Source) -> Self {
        Self {
            oid,
            name,
            aliases: &[],
            kind,
            single: true,
            superior: None,
            required_on: &[],
            on: &[],
            inherited: false,
            default: &[],
            access: Access::Plain,
            usage: Usage::User,
            source,
        }
    }

    /// Other names.
    pub(super) const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Several values.
    pub(super) const fn many(mut self) -> Self {
        self.single = false;
        self
    }

    /// One value.
    pub(super) const fn one(mut self) -> Self {
        self.single = true;
        self
    }

    /// The entries that may have it.
    pub(super) const fn on(mut self, carriers: &'static [Carrier]) -> Self {
        self.on = carriers;
        self
    }

    /// The entries that must have it.
    pub(super) const fn required_on(mut self, carriers: &'static [Carrier]) -> Self {
        self.required_on = carriers;
        self
    }

    /// Takes the value of the next level where there is none.
    pub(super) const fn inherited(mut self) -> Self {
        self.inherited = true;
        self
    }

    /// What holds where no level has a value.
    pub(super) const fn default(mut self, values: &'static [&'static str]) -> Self {
        self.default = values;
        self
    }

    /// Subtype of another.
    pub(super) const fn sup(mut self, superior: &'static str) -> Self {
        self.superior = Some(superior);
        self
    }

    /// In the address list.
    pub(super) const fn address_book(mut self) -> Self {
        self.access = Access::AddressBook;
        self
    }

    /// The owner may change it.
    pub(super) const fn preference(mut self) -> Self {
        self.access = Access::Preference;
        self
    }

    /// Password material.
    pub(super) const fn secret(mut self) -> Self {
        self.access = Access::Secret;
        self
    }

    /// For administrators and daemons only.
    pub(super) const fn key(mut self) -> Self {
        self.access = Access::Key;
        self
    }

    /// Kept by the server.
    pub(super) const fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// Its name and its aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// Whether clients may not write it (`NO-USER-MODIFICATION`).
    #[must_use]
    pub const fn read_only(&self) -> bool {
        !matches!(self.usage, Usage::User)
    }

    /// The LDAP syntax of its values.
    #[must_use]
    pub const fn syntax(&self) -> Syntax {
        self.kind.syntax()
    }

    /// How two values are found equal.
    #[must_use]
    pub const fn equality(&self) -> Option<Rule> {
        self.kind.equality()
    }

    /// How two values are put in order.
    #[must_use]
    pub const fn ordering(&self) -> Option<Rule> {
        self.kind.ordering()
    }

    /// How a part of a value is found.
    #[must_use]
    pub const fn substring(&self) -> Option<Rule> {
        self.kind.substring()
    }
}
