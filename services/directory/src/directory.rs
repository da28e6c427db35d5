//! What every operation works with.

use std::sync::Arc;

use jiff::Timestamp;
use roost_core_directory::schema::kind::generalized_time;
use roost_kit::clock::Clock;

use crate::access::Identity;
use crate::config::SearchLimits;
use crate::dn::{Dn, DnKey};
use crate::filter::{Candidate, Truth, evaluate, prepare};
use crate::password::checker::Checker;
use crate::refuse::Refusal;
use crate::schema::Schema;
use crate::store::cursor::Cursor;
use crate::store::plan::{Reach, Region};
use crate::store::{Found, Store};
use crate::wire::filter::{Assertion, Filter};
use crate::wire::response::ResultCode;

/// The directory with what surrounds it.
#[derive(Debug)]
pub struct Directory {
    /// The schema.
    pub schema: Arc<Schema>,
    /// The entries.
    pub store: Store,
    /// Who checks passwords.
    pub checker: Checker,
    /// What time it is.
    pub clock: Clock,
    /// Limits of searches, as configured.
    pub limits: SearchLimits,
    /// A secret of this directory from which decoys for unknown names are made.
    pub decoy_key: Vec<u8>,
}

impl Directory {
    /// Now, as operational attributes have it.
    #[must_use]
    pub fn timestamp(&self) -> Vec<u8> {
        generalized_time(self.clock.now()).into_bytes()
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A name and its normal form.
    pub fn name(&self, text: &str) -> Result<(Dn, DnKey), Refusal> {
        let dn = Dn::parse(text)?;
        let key = dn.key(&self.schema);
        if key.as_bytes().len() > crate::limits::DN_SIZE_MAX {
            return Err(Refusal::new(
                ResultCode::InvalidDnSyntax,
                "the name is too long",
            ));
        }
        Ok((dn, key))
    }

    /// The entry of a name, as far as it exists for this identity.
    pub async fn visible(&self, identity: &Identity, key: &DnKey) -> Result<Arc<Found>, Refusal> {
        match self.store.find(key).await? {
            Some(found) if identity.sees(&self.schema, &found) => Ok(found),
            _ => Err(self.nothing_at(identity, key).await?),
        }
    }

    /// The refusal for a name that does not exist, with the nearest one that does.
    pub async fn nothing_at(&self, identity: &Identity, key: &DnKey) -> Result<Refusal, Refusal> {
        let nearest = self.store.nearest(key).await?;
        let visible = nearest.filter(|found| identity.sees(&self.schema, found));
        Ok(Refusal::no_such_object(
            visible
                .map(|found| found.entry.dn.to_string())
                .unwrap_or_default(),
        ))
    }

    /// Refuses unless the asserted filter holds for the entry (RFC 4528).
    pub fn assert(
        &self,
        identity: &Identity,
        found: &Found,
        assertion: Option<&Filter>,
    ) -> Result<(), Refusal> {
        let Some(filter) = assertion else {
            return Ok(());
        };
        let prepared = prepare(&self.schema, filter);
        let readable = identity.reader(&self.schema, found);
        let candidate = Candidate {
            entry: &found.entry,
            has_subordinates: None,
        };
        match evaluate(&self.schema, &prepared, candidate, &readable) {
            Truth::True => Ok(()),
            Truth::False | Truth::Undefined => Err(Refusal::new(
                ResultCode::AssertionFailed,
                "the assertion does not hold",
            )),
        }
    }

    /// The one entry anywhere with this value, if there is exactly one.
    pub async fn only(&self, attribute: &str, value: &str) -> Result<Option<Arc<Found>>, Refusal> {
        let filter = prepare(
            &self.schema,
            &Filter::Equality(Assertion {
                attribute: attribute.to_owned(),
                value: value.as_bytes().to_vec(),
            }),
        );
        let everything = Region {
            base: 0,
            key: DnKey::default(),
            reach: Reach::Subtree,
        };
        let mut cursor = Cursor::open(&self.store, everything, &filter, None).await?;
        let mut only = None;
        loop {
            let batch = cursor.next(&self.store).await?;
            if batch.is_empty() {
                return Ok(only);
            }
            for found in batch {
                let candidate = Candidate {
                    entry: &found.entry,
                    has_subordinates: None,
                };
                if evaluate(&self.schema, &filter, candidate, &|_| true) == Truth::True
                    && only.replace(found).is_some()
                {
                    return Ok(None);
                }
            }
        }
    }

    /// The account that signs in under a name: an address or alias, or the part before the `@` in
    /// the organisation's default domain.
    pub async fn account(&self, name: &str) -> Result<Option<Arc<Found>>, Refusal> {
        let address = if name.contains('@') {
            name.to_owned()
        } else {
            let (_, config) = self.name("cn=config,cn=zimbra")?;
            let config = self.store.find(&config).await?;
            let domain = config.as_ref().and_then(|config| {
                config
                    .entry
                    .text_of(&self.schema, "zimbraDefaultDomainName")
            });
            match domain {
                Some(domain) => format!("{name}@{domain}"),
                None => return Ok(None),
            }
        };
        for attribute in ["zimbraMailDeliveryAddress", "zimbraMailAlias"] {
            let found = self.only(attribute, &address).await?;
            if let Some(found) =
                found.filter(|found| found.entry.is_a(&self.schema, "zimbraAccount"))
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The entries that an account inherits settings from, nearest first, itself included.
    pub async fn levels(&self, account: &Found) -> Result<Vec<Arc<Found>>, Refusal> {
        let mut levels = vec![Arc::new(account.clone())];
        let mut cos = account
            .entry
            .text_of(&self.schema, "zimbraCOSId")
            .map(str::to_owned);
        if cos.is_none() {
            let mut above = account.key.parent();
            while let Some(key) = above.filter(|key| !key.is_root()) {
                let domain = self.store.find(&key).await?;
                if let Some(domain) =
                    domain.filter(|found| found.entry.is_a(&self.schema, "zimbraDomain"))
                {
                    cos = domain
                        .entry
                        .text_of(&self.schema, "zimbraDomainDefaultCOSId")
                        .map(str::to_owned);
                    break;
                }
                above = key.parent();
            }
        }
        let found = match cos {
            Some(id) => self.only("zimbraId", &id).await?,
            None => {
                self.store
                    .find(&self.name("cn=default,cn=cos,cn=zimbra")?.1)
                    .await?
            }
        };
        levels.extend(found);
        Ok(levels)
    }
}
