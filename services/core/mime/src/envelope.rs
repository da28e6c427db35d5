//! The envelope of a message as IMAP sends it (RFC 9051 §7.5.2), and the addresses in it.

use serde::{Deserialize, Serialize};

use crate::lexer::{Lexer, Phrase};
use crate::limits::ADDRESSES_MAX;
use crate::octets::Octets;
use crate::word;

/// Fields in raw form: unfolded, encoded words kept. A field that is there but empty is
/// `Some("")`, one that is absent `None`. Of a repeated field the first counts; repeated address
/// fields are joined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Date.
    pub date: Option<Octets>,
    /// Subject.
    pub subject: Option<Octets>,
    /// From.
    pub from: Vec<Address>,
    /// Sender as sent; [`Envelope::sender_or_from`] has the default.
    pub sender: Vec<Address>,
    /// Reply-To as sent; [`Envelope::reply_to_or_from`] has the default.
    pub reply_to: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc.
    pub bcc: Vec<Address>,
    /// In-Reply-To.
    pub in_reply_to: Option<Octets>,
    /// Message-ID.
    pub message_id: Option<Octets>,
}

impl Envelope {
    /// What IMAP calls sender. RFC 9051 §7.5.2: absent or empty, it is From.
    #[must_use]
    pub fn sender_or_from(&self) -> &[Address] {
        first_of(&self.sender, &self.from)
    }

    /// What IMAP calls reply-to. RFC 9051 §7.5.2: absent or empty, it is From.
    #[must_use]
    pub fn reply_to_or_from(&self) -> &[Address] {
        first_of(&self.reply_to, &self.from)
    }
}

fn first_of<'a>(given: &'a [Address], default: &'a [Address]) -> &'a [Address] {
    if given.is_empty() { default } else { given }
}

/// One address, or a mark that begins or ends a group, in the four fields of RFC 9051's
/// address structure.
///
/// | | name | mailbox | host |
/// |---|---|---|---|
/// | address | display name or comment | local part | domain |
/// | group begins | `None` | group name | `None` |
/// | group ends | `None` | `None` | `None` |
///
/// A local part or domain that is missing says so, as Dovecot's does, since `None` would make it a
/// group: `MISSING_MAILBOX`, `MISSING_DOMAIN`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The display name, or the comment in its place; unquoted, encoded words kept.
    pub name: Option<Octets>,
    /// The source route of RFC 822, such as `@relay1,@relay2`.
    pub route: Option<Octets>,
    /// The local part, unquoted; or the group's name.
    pub mailbox: Option<Octets>,
    /// The domain.
    pub host: Option<Octets>,
}

/// Stands for a local part that is not there.
pub const MISSING_MAILBOX: &str = "MISSING_MAILBOX";
/// Stands for a domain that is not there.
pub const MISSING_DOMAIN: &str = "MISSING_DOMAIN";

impl Address {
    /// Whether it begins a group.
    #[must_use]
    pub fn begins_group(&self) -> bool {
        self.host.is_none() && self.mailbox.is_some()
    }

    /// Whether it ends a group.
    #[must_use]
    pub fn ends_group(&self) -> bool {
        self.host.is_none() && self.mailbox.is_none()
    }

    /// The display name as text.
    #[must_use]
    pub fn display_name(&self) -> Option<String> {
        self.name.as_ref().map(|name| word::decode(name))
    }

    /// `mailbox@host`; `None` for group marks and for addresses that lack one of the two.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        let (mailbox, host) = (self.mailbox.as_ref()?, self.host.as_ref()?);
        if &**mailbox == MISSING_MAILBOX.as_bytes() || &**host == MISSING_DOMAIN.as_bytes() {
            return None;
        }
        Some(format!("{}@{}", mailbox.to_text(), host.to_text()))
    }
}

/// Reads an address list (RFC 5322 §3.4, with the obsolete forms of §4.4) from an unfolded field
/// value. Never fails: what is no address is skipped or marked as incomplete.
#[must_use]
pub fn addresses(value: &[u8]) -> Vec<Address> {
    let mut list = List {
        lexer: Lexer::new(value),
        found: Vec::new(),
        in_group: false,
    };
    list.read();
    list.found
}

struct List<'a> {
    lexer: Lexer<'a>,
    found: Vec<Address>,
    in_group: bool,
}

impl List<'_> {
    fn read(&mut self) {
        while self.found.len() < ADDRESSES_MAX {
            self.lexer.skip_space();
            match self.lexer.peek() {
                None => break,
                // RFC 5322 §4.4: obsolete lists have empty members.
                Some(b',') => self.lexer.advance(),
                Some(b';') => {
                    self.lexer.advance();
                    self.end_group();
                }
                Some(_) => self.member(),
            }
        }
        self.end_group();
    }

    /// A mailbox, or the beginning of a group. Leaves the lexer at the separator.
    fn member(&mut self) {
        self.lexer.take_comment();
        let words = self.lexer.phrase();
        match self.lexer.peek() {
            Some(b':') if !self.in_group && !words.is_empty() => {
                self.lexer.advance();
                self.in_group = true;
                self.found.push(Address {
                    mailbox: Some(words.display.into()),
                    ..Address::default()
                });
                return;
            }
            Some(b'<') => self.angle(words.display),
            Some(b'@') => self.bare(words),
            // Words only: one atom is taken for a local part, several for a name.
            _ if words.count == 1 => self.push(None, None, words.local_part, None),
            _ if words.count > 1 => self.push(Some(words.display), None, Vec::new(), None),
            _ => {}
        }
        self.lexer.skip_past_member();
    }

    /// `<@route:local@domain>`, after its display name.
    fn angle(&mut self, name: Vec<u8>) {
        self.lexer.advance();
        self.lexer.skip_space();
        let route = (self.lexer.peek() == Some(b'@'))
            .then(|| self.lexer.route())
            .filter(|route| !route.is_empty());
        let local = self.lexer.phrase().local_part;
        let host = (self.lexer.peek() == Some(b'@')).then(|| {
            self.lexer.advance();
            self.lexer.domain()
        });
        self.lexer.skip_until(b'>');
        let name = (!name.is_empty()).then_some(name);
        self.push(name, route, local, host);
    }

    /// `local@domain (comment)`, the local part read.
    fn bare(&mut self, words: Phrase) {
        self.lexer.advance();
        let host = self.lexer.domain();
        self.lexer.skip_space();
        // RFC 822 and mail to this day: the comment is the name.
        let name = words.before().or_else(|| self.lexer.take_comment());
        self.push(name, None, words.local_part, Some(host));
    }

    fn push(
        &mut self,
        name: Option<Vec<u8>>,
        route: Option<Vec<u8>>,
        local: Vec<u8>,
        host: Option<Vec<u8>>,
    ) {
        let or = |octets: Vec<u8>, missing: &str| match octets.is_empty() {
            true => Octets::from(missing),
            false => octets.into(),
        };
        self.found.push(Address {
            name: name.map(Octets::from),
            route: route.map(Octets::from),
            mailbox: Some(or(local, MISSING_MAILBOX)),
            host: Some(or(host.unwrap_or_default(), MISSING_DOMAIN)),
        });
    }

    fn end_group(&mut self) {
        if std::mem::take(&mut self.in_group) {
            self.found.push(Address::default());
        }
    }
}
