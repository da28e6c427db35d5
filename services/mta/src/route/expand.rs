//! From a RCPT to the recipients that it means.

use std::collections::{HashSet, VecDeque};

use roost_proto_smtp::grammar::rcpt::{Notify, RcptParameters};
use roost_proto_smtp::{Address, Refusal};

use super::{Addresses, Found, Poster, Router, Unavailable};
use crate::envelope::{Recipient, original_recipient};
use crate::limits::{EXPANDED_MAX, EXPANSION_DEPTH};
use crate::outcome::Fate;

/// A recipient as it enters the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The recipient.
    pub recipient: Recipient,
    /// Where nothing is left to do for it but to report.
    pub already: Option<Fate>,
}

/// Why a recipient is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// What the client is told.
    Reply(Refusal),
    /// Not an address of ours: taken only from those whom we relay for.
    NotOurs,
}

impl From<Unavailable> for Refused {
    fn from(Unavailable(why): Unavailable) -> Self {
        tracing::warn!(why, "the directory cannot be asked about a recipient");
        Self::Reply(Refusal::temporary(
            451,
            4,
            3,
            "The directory does not answer, try again later",
        ))
    }
}

/// Something that still has to be looked up.
struct Open {
    recipient: Recipient,
    depth: usize,
}

impl<A: Addresses> Router<A> {
    /// The recipients that one RCPT means: never none.
    ///
    /// # Errors
    /// When it is refused. What is wrong with a member of a list is not: it is found out, and
    /// reported, when the message is delivered.
    pub async fn expand(&self, given: Recipient, poster: &Poster) -> Result<Vec<Routed>, Refused> {
        let mut expansion = Expansion::default();
        let first = self.resolve(&given.address).await?;
        self.check_first(&first, &given.address, poster).await?;
        self.spread(given, first, 0, &mut expansion).await?;
        while let Some(Open { recipient, depth }) = expansion.open.pop_front() {
            if expansion.routed.len() > EXPANDED_MAX {
                return Err(Refused::Reply(Refusal::temporary(
                    452,
                    5,
                    3,
                    "The list has too many members",
                )));
            }
            let found = self.resolve(&recipient.address).await?;
            self.spread(recipient, found, depth, &mut expansion).await?;
        }
        match expansion.routed.is_empty() {
            true => Err(Refused::Reply(Refusal::mail_loop())),
            false => Ok(expansion.routed),
        }
    }

    /// What an address means, offices included.
    async fn resolve(&self, address: &Address) -> Result<Found, Unavailable> {
        let found = self.addresses.find(address).await?;
        let vacant = match found {
            Found::Unknown => true,
            Found::NotOurs => self.is_own_host(address),
            _ => false,
        };
        if !vacant || !self.is_office(address) {
            return Ok(found);
        }
        // RFC 5321 §4.5.1: mail for the postmaster is taken in every domain of ours.
        let postmasters = self.addresses.postmasters().await?;
        match postmasters.is_empty() {
            true => Ok(found),
            false => Ok(Found::Forward(postmasters)),
        }
    }

    async fn check_first(
        &self,
        found: &Found,
        address: &Address,
        poster: &Poster,
    ) -> Result<(), Refused> {
        let refusal = match found {
            Found::NotOurs if self.is_own_host(address) => Refusal::unknown_recipient(),
            Found::NotOurs => return Err(Refused::NotOurs),
            Found::Unknown => Refusal::unknown_recipient(),
            Found::Refused { status, text } => {
                Refusal::permanent(550, status.subject, status.detail, text)
            }
            Found::List { address, .. } if !self.addresses.may_post(address, poster).await? => {
                Refusal::permanent(550, 7, 1, "You may not send to this list")
            }
            // Maintenance is our own matter: the mail is taken and waits in the queue.
            Found::Deferred { .. }
            | Found::List { .. }
            | Found::Mailbox { .. }
            | Found::Forward(_)
            | Found::Relay { .. } => return Ok(()),
        };
        Err(Refused::Reply(refusal))
    }

    async fn spread(
        &self,
        recipient: Recipient,
        found: Found,
        depth: usize,
        expansion: &mut Expansion,
    ) -> Result<(), Refused> {
        match found {
            Found::Mailbox {
                address,
                forwards,
                keep,
                ..
            } => {
                let own = rewritten(&recipient, address.clone());
                if keep || forwards.is_empty() {
                    expansion.push(own);
                } else {
                    expansion.report(&recipient);
                }
                if !forwards.is_empty() && expansion.passes.insert(key(&address)) {
                    expansion.forward(&recipient, &address, forwards, depth);
                }
            }
            Found::Relay { address, .. } => expansion.push(rewritten(&recipient, address)),
            Found::List { address, members } => {
                if expansion.passes.insert(key(&address)) {
                    let owner = self.owner(&address).await?;
                    expansion.report(&recipient);
                    expansion.members(&recipient, &address, owner.as_ref(), members, depth);
                }
            }
            Found::Forward(targets) => {
                if expansion.passes.insert(key(&recipient.address)) {
                    let via = recipient.address.clone();
                    expansion.report(&recipient);
                    expansion.forward(&recipient, &via, targets, depth);
                }
            }
            Found::Unknown | Found::NotOurs | Found::Refused { .. } | Found::Deferred { .. } => {
                expansion.push(recipient);
            }
        }
        Ok(())
    }

    /// Who looks after a list: whoever has the address `owner-LIST`, as is the custom. Errors of
    /// its members then go there instead of to whoever wrote (RFC 5321 §3.9.2).
    async fn owner(&self, list: &Address) -> Result<Option<Address>, Unavailable> {
        let Ok(owner) = Address::parse(&format!("owner-{list}")) else {
            return Ok(None);
        };
        match self.addresses.find(&owner).await? {
            Found::Mailbox { .. }
            | Found::List { .. }
            | Found::Forward(_)
            | Found::Relay { .. } => Ok(Some(owner)),
            Found::Unknown | Found::NotOurs | Found::Refused { .. } | Found::Deferred { .. } => {
                Ok(None)
            }
        }
    }
}

#[derive(Default)]
struct Expansion {
    routed: Vec<Routed>,
    open: VecDeque<Open>,
    /// Recipients that are there already.
    seen: HashSet<String>,
    /// Lists and forwardings that were entered: entering one twice is a circle.
    passes: HashSet<String>,
}

impl Expansion {
    fn push(&mut self, recipient: Recipient) {
        if self.seen.insert(key(&recipient.address)) {
            self.routed.push(Routed {
                recipient,
                already: None,
            });
        }
    }

    /// RFC 3461 §5.2.7: whoever asked for a report of success gets it about the address that was
    /// given; what happens behind it is not their business.
    fn report(&mut self, recipient: &Recipient) {
        if recipient.wants_success() {
            self.routed.push(Routed {
                recipient: recipient.clone(),
                already: Some(Fate::Expanded),
            });
        }
    }

    /// RFC 3461 §5.2.7.1: a forwarding hands the parameters on, but for the success it reported.
    fn forward(&mut self, from: &Recipient, via: &Address, targets: Vec<Address>, depth: usize) {
        let orcpt = from.parameters.orcpt.clone();
        let orcpt = orcpt.unwrap_or_else(|| original_recipient(&from.address));
        let parameters = RcptParameters {
            notify: without_success(from.parameters.notify),
            orcpt: Some(orcpt),
        };
        for address in targets {
            self.enter(
                Recipient {
                    address,
                    parameters: parameters.clone(),
                    errors_to: from.errors_to.clone(),
                    expanded_from: Some(via.clone()),
                },
                depth,
            );
        }
    }

    /// RFC 3461 §5.2.7.3: a list's message is a new one to its members; with an owner its
    /// parameters are the list's own.
    fn members(
        &mut self,
        from: &Recipient,
        list: &Address,
        owner: Option<&Address>,
        members: Vec<Address>,
        depth: usize,
    ) {
        let notify = match owner {
            Some(_) => None,
            None => without_success(from.parameters.notify),
        };
        for address in members {
            self.enter(
                Recipient {
                    address,
                    parameters: RcptParameters {
                        notify,
                        orcpt: None,
                    },
                    errors_to: owner.cloned().or_else(|| from.errors_to.clone()),
                    expanded_from: Some(list.clone()),
                },
                depth,
            );
        }
    }

    fn enter(&mut self, recipient: Recipient, depth: usize) {
        if depth + 1 < EXPANSION_DEPTH {
            self.open.push_back(Open {
                recipient,
                depth: depth + 1,
            });
        }
    }
}

/// The recipient under the address that its mailbox has; its sender goes on to hear of the one
/// that they wrote.
fn rewritten(recipient: &Recipient, address: Address) -> Recipient {
    let mut rewritten = recipient.clone();
    if key(&recipient.address) != key(&address) && rewritten.parameters.orcpt.is_none() {
        rewritten.parameters.orcpt = Some(original_recipient(&recipient.address));
    }
    rewritten.address = address;
    rewritten
}

fn without_success(notify: Option<Notify>) -> Option<Notify> {
    match notify {
        Some(Notify::On {
            failure: false,
            delay: false,
            ..
        }) => Some(Notify::Never),
        Some(Notify::On { failure, delay, .. }) => Some(Notify::On {
            success: false,
            failure,
            delay,
        }),
        other => other,
    }
}

/// The form under which two spellings are one recipient. RFC 5321 §2.4 lets a foreign host tell
/// local parts apart by case; none in use does.
pub(crate) fn key(address: &Address) -> String {
    address.to_string().to_lowercase()
}
