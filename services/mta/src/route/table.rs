//! Addresses by a table, for tests.

use std::collections::HashMap;

use roost_proto_smtp::Address;

use super::{Addresses, Found, Hop, Poster, Unavailable, key};

#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) found: HashMap<String, Found>,
    pub(crate) domains: Vec<String>,
    pub(crate) postmasters: Vec<Address>,
    pub(crate) closed_lists: Vec<String>,
    pub(crate) down: bool,
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn store() -> Hop {
    Hop::Lmtp {
        host: "store.example.test".to_owned(),
        port: 7025,
    }
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            domains: vec!["example.test".to_owned()],
            ..Self::default()
        }
    }

    pub(crate) fn mailbox(self, name: &str) -> Self {
        self.alias(name, name, &[], true)
    }

    pub(crate) fn alias(mut self, name: &str, of: &str, forwards: &[&str], keep: bool) -> Self {
        let found = Found::Mailbox {
            address: address(of),
            next: store(),
            forwards: forwards.iter().map(|to| address(to)).collect(),
            keep,
        };
        self.found.insert(name.to_owned(), found);
        self
    }

    pub(crate) fn list(mut self, name: &str, members: &[&str]) -> Self {
        let found = Found::List {
            address: address(name),
            members: members.iter().map(|to| address(to)).collect(),
        };
        self.found.insert(name.to_owned(), found);
        self
    }
}

impl Addresses for Table {
    async fn find(&self, address: &Address) -> Result<Found, Unavailable> {
        if self.down {
            return Err(Unavailable("down".to_owned()));
        }
        let domain = address.host().to_string();
        Ok(match self.found.get(&key(address)) {
            Some(found) => found.clone(),
            None if self.domains.contains(&domain) => Found::Unknown,
            None => Found::NotOurs,
        })
    }

    async fn may_post(&self, list: &Address, poster: &Poster) -> Result<bool, Unavailable> {
        Ok(poster.account.is_some() || !self.closed_lists.contains(&key(list)))
    }

    async fn postmasters(&self) -> Result<Vec<Address>, Unavailable> {
        Ok(self.postmasters.clone())
    }
}
