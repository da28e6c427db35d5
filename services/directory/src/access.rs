//! Who may see and change what: the whole of it.
//!
//! | who | sees | changes |
//! |---|---|---|
//! | nobody in particular | the root DSE and the schema | nothing |
//! | a user | its own entry; of its own domain the address book and what holds it | its preferences, its password |
//! | a service (`cn=appaccts`) | everything but password material | nothing |
//! | an administrator | everything but password material | everything but what the server keeps |
//! | the directory's own administrators (`cn=admins`) | that, and password hashes, to move them elsewhere | the same |
//!
//! SCRAM keys (`authPassword`) leave the directory for nobody: whoever has them can pass for the
//! server.

use roost_core_directory::schema::{Access, Usage};

use crate::dn::{Dn, DnKey};
use crate::entry::Entry;
use crate::schema::{Attribute, AttributeId, Schema};
use crate::store::Found;

/// Where the directory's own administrators are.
pub const ADMINS: &str = "cn=admins,cn=zimbra";

/// Where the accounts of the daemons are.
pub const SERVICES: &str = "cn=appaccts,cn=zimbra";

/// Who a connection speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The entry's name; empty for nobody.
    pub dn: Dn,
    /// Its normal form.
    pub key: DnKey,
    /// What it may.
    pub role: Role,
}

/// A row of the table above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Nobody in particular.
    Anonymous,
    /// A user.
    User {
        /// The name of the domain that it belongs to.
        domain: Option<DnKey>,
    },
    /// A daemon.
    Service,
    /// An administrator of the organisation.
    Administrator,
    /// An administrator of the directory.
    Directory,
}

/// What an entry is to an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// Its own, or below that.
    Own,
    /// In the address book of its domain.
    Neighbour,
    /// Its domain, or what holds people and lists in it.
    Container,
    /// None of its business.
    Stranger,
}

impl Identity {
    /// Nobody in particular.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            dn: Dn::ROOT,
            key: DnKey::default(),
            role: Role::Anonymous,
        }
    }

    /// Who an entry is, once its password was checked.
    #[must_use]
    pub fn of(schema: &Schema, found: &Found) -> Self {
        let within = |place: &str| {
            Dn::parse(place).is_ok_and(|place| found.key.is_within(&place.key(schema)))
        };
        let role = if within(ADMINS) {
            Role::Directory
        } else if within(SERVICES) {
            Role::Service
        } else if found.entry.says(schema, "zimbraIsAdminAccount", "TRUE") {
            Role::Administrator
        } else {
            Role::User {
                domain: domain_of(&found.entry.dn).map(|domain| domain.key(schema)),
            }
        };
        Self {
            dn: found.entry.dn.clone(),
            key: found.key.clone(),
            role,
        }
    }

    /// Whether somebody signed in.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.role != Role::Anonymous
    }

    /// Whether this is an administrator of either kind.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        matches!(self.role, Role::Administrator | Role::Directory)
    }

    /// Whether this is a daemon.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.role == Role::Service
    }

    /// Whether entries can be added, deleted and renamed.
    #[must_use]
    pub fn may_change_the_tree(&self) -> bool {
        self.is_administrator()
    }

    /// Whether an entry exists for this identity.
    #[must_use]
    pub fn sees(&self, schema: &Schema, found: &Found) -> bool {
        match self.role {
            Role::Anonymous => false,
            Role::User { .. } => self.relation(schema, found) != Relation::Stranger,
            Role::Service | Role::Administrator | Role::Directory => true,
        }
    }

    /// Which attributes of an entry can be read, and so be compared and searched for.
    pub fn reader<'a>(
        &self,
        schema: &'a Schema,
        found: &Found,
    ) -> impl Fn(AttributeId) -> bool + 'a {
        let role = self.role.clone();
        let relation = match role {
            Role::User { .. } => self.relation(schema, found),
            _ => Relation::Stranger,
        };
        move |id| may_read(schema, &role, relation, schema.get(id))
    }

    /// Whether an attribute of an entry can be changed.
    #[must_use]
    pub fn writes(&self, schema: &Schema, found: &Found, attribute: &Attribute) -> bool {
        if attribute.row.read_only() || attribute.id == schema.known.auth_password {
            return false;
        }
        match self.role {
            Role::Anonymous | Role::Service => false,
            Role::User { .. } => {
                found.key.is_within(&self.key)
                    && (attribute.row.access == Access::Preference
                        || attribute.id == schema.known.user_password)
            }
            Role::Administrator | Role::Directory => true,
        }
    }

    fn relation(&self, schema: &Schema, found: &Found) -> Relation {
        let Role::User { domain } = &self.role else {
            return Relation::Stranger;
        };
        // Identities, signatures and data sources lie below their owner.
        if found.key.is_within(&self.key) {
            return Relation::Own;
        }
        let Some(domain) = domain.as_ref().filter(|domain| found.key.is_within(domain)) else {
            return Relation::Stranger;
        };
        let own_domain = domain_of(&found.entry.dn).map(|name| name.key(schema));
        if own_domain.as_ref() != Some(domain) {
            return Relation::Stranger;
        }
        if is_container(schema, &found.entry) {
            Relation::Container
        } else if is_in_address_book(schema, &found.entry) {
            Relation::Neighbour
        } else {
            Relation::Stranger
        }
    }
}

fn may_read(schema: &Schema, role: &Role, relation: Relation, attribute: &Attribute) -> bool {
    if attribute.id == schema.known.auth_password {
        return false;
    }
    let access = attribute.row.access;
    match role {
        Role::Anonymous => false,
        Role::Directory => true,
        Role::Administrator | Role::Service => access != Access::Secret,
        Role::User { .. } => match relation {
            Relation::Own => {
                matches!(
                    access,
                    Access::Plain | Access::AddressBook | Access::Preference
                )
            }
            Relation::Neighbour => match attribute.row.usage {
                Usage::User => access == Access::AddressBook,
                Usage::Operational | Usage::Server => describes(schema, attribute),
            },
            Relation::Container => {
                ["dc", "o", "ou", "cn", "description"].contains(&attribute.name)
                    || describes(schema, attribute)
            }
            Relation::Stranger => false,
        },
    }
}

/// What says no more than that the entry is there, since when, and of what kind: not who made it.
fn describes(schema: &Schema, attribute: &Attribute) -> bool {
    let known = &schema.known;
    let by_whom = [known.creators_name, known.modifiers_name].contains(&attribute.id);
    attribute.id == known.object_class || (attribute.row.usage != Usage::User && !by_whom)
}

/// Classes of entries that people look up.
const ADDRESS_BOOK: &[&str] = &[
    "zimbraAccount",
    "zimbraDistributionList",
    "zimbraGroup",
    "zimbraCalendarResource",
];

/// Classes of entries that hold those.
const CONTAINERS: &[&str] = &[
    "zimbraDomain",
    "dcObject",
    "organizationalUnit",
    "organizationalRole",
];

fn is_in_address_book(schema: &Schema, entry: &Entry) -> bool {
    ADDRESS_BOOK.iter().any(|class| entry.is_a(schema, class))
        && !entry.says(schema, "zimbraHideInGal", "TRUE")
}

fn is_container(schema: &Schema, entry: &Entry) -> bool {
    CONTAINERS.iter().any(|class| entry.is_a(schema, class))
        && !ADDRESS_BOOK.iter().any(|class| entry.is_a(schema, class))
}

/// The domain that a name lies in: from its nearest `dc` up.
fn domain_of(dn: &Dn) -> Option<Dn> {
    let is_dc = |rdn: &crate::dn::Rdn| {
        rdn.pairs().iter().any(|pair| {
            pair.attribute.eq_ignore_ascii_case("dc")
                || pair.attribute.eq_ignore_ascii_case("domainComponent")
        })
    };
    let start = dn.parts().iter().position(is_dc)?;
    Some(Dn::from_parts(
        dn.parts().iter().skip(start).cloned().collect(),
    ))
}
