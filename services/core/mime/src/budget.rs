//! How much text a structure may hold; what is past it is described as absent.

use crate::envelope::{Address, Envelope};
use crate::limits::STRUCTURE_TEXT_MAX;
use crate::octets::Octets;
use crate::structure::{Disposition, Parameter};

/// What each item of a list costs beside its text.
const ITEM_COST: usize = 4;

/// What [`STRUCTURE_TEXT_MAX`] leaves.
pub(crate) struct Budget {
    left: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self {
            left: STRUCTURE_TEXT_MAX,
        }
    }

    pub(crate) fn afford(&mut self, octets: Option<Octets>) -> Option<Octets> {
        octets.filter(|octets| self.charge(octets.len()))
    }

    pub(crate) fn afford_all<T>(&mut self, items: Vec<T>, size: impl Fn(&T) -> usize) -> Vec<T> {
        let mut items = items;
        let affordable = items
            .iter()
            .take_while(|item| self.charge(size(item) + ITEM_COST))
            .count();
        items.truncate(affordable);
        items
    }

    pub(crate) fn afford_parameters(&mut self, parameters: Vec<Parameter>) -> Vec<Parameter> {
        self.afford_all(parameters, |parameter| {
            parameter.name.len() + parameter.value.len()
        })
    }

    pub(crate) fn afford_disposition(
        &mut self,
        disposition: Option<Disposition>,
    ) -> Option<Disposition> {
        let disposition = disposition.filter(|disposition| self.charge(disposition.kind.len()))?;
        Some(Disposition {
            kind: disposition.kind,
            parameters: self.afford_parameters(disposition.parameters),
        })
    }

    pub(crate) fn afford_envelope(&mut self, envelope: Envelope) -> Envelope {
        let mut list = |addresses: Vec<Address>| {
            self.afford_all(addresses, |address| {
                [
                    &address.name,
                    &address.route,
                    &address.mailbox,
                    &address.host,
                ]
                .into_iter()
                .flatten()
                .map(|octets| octets.len())
                .sum()
            })
        };
        Envelope {
            from: list(envelope.from),
            sender: list(envelope.sender),
            reply_to: list(envelope.reply_to),
            to: list(envelope.to),
            cc: list(envelope.cc),
            bcc: list(envelope.bcc),
            date: self.afford(envelope.date),
            subject: self.afford(envelope.subject),
            in_reply_to: self.afford(envelope.in_reply_to),
            message_id: self.afford(envelope.message_id),
        }
    }

    /// Whether so many octets of text fit the structure still.
    fn charge(&mut self, octets: usize) -> bool {
        match self.left.checked_sub(octets) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}
