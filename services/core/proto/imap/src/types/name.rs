//! Mailbox names as the engine knows them: UTF-8, `/` between levels, INBOX in capitals.
//! The two encodings of the wire (modified UTF-7 and UTF-8) are the grammar's business.

use std::fmt;

use compact_str::CompactString;

use crate::limits::MAILBOX_NAME_OCTETS;

/// What separates the levels of the hierarchy.
pub const DELIMITER: char = '/';

/// A mailbox's full name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(CompactString);

/// Why a name is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name, or a level of it, is empty.
    #[error("a mailbox name and each of its levels need at least one character")]
    Empty,
    /// The name is longer than [`MAILBOX_NAME_OCTETS`].
    #[error("a mailbox name cannot be longer than {MAILBOX_NAME_OCTETS} octets")]
    TooLong,
    /// The name has a control character.
    #[error("a mailbox name cannot contain control characters")]
    Control,
}

impl MailboxName {
    /// The name of the mailbox where mail arrives.
    #[must_use]
    pub fn inbox() -> Self {
        Self(CompactString::const_new("INBOX"))
    }

    /// Checks a name. A first level that reads "inbox" in any case becomes "INBOX"
    /// (RFC 9051 §5.1: INBOX is case-insensitive; so are then its children's prefixes).
    ///
    /// # Errors
    /// When it is empty, too long, or has empty levels or control characters.
    pub fn new(name: &str) -> Result<Self, NameError> {
        if name.len() > MAILBOX_NAME_OCTETS {
            return Err(NameError::TooLong);
        }
        if name.split(DELIMITER).any(str::is_empty) {
            return Err(NameError::Empty);
        }
        // RFC 9051 §5.1: no control characters, nor the line separators U+2028 and U+2029.
        if name
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
        {
            return Err(NameError::Control);
        }
        let (first, rest) = match name.split_once(DELIMITER) {
            Some((first, rest)) => (first, Some(rest)),
            None => (name, None),
        };
        if !first.eq_ignore_ascii_case("INBOX") {
            return Ok(Self(CompactString::new(name)));
        }
        let mut canonical = CompactString::const_new("INBOX");
        if let Some(rest) = rest {
            canonical.push(DELIMITER);
            canonical.push_str(rest);
        }
        Ok(Self(canonical))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is INBOX itself.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        self.0 == "INBOX"
    }

    /// Whether this lies below `parent`, at any depth.
    #[must_use]
    pub fn is_below(&self, parent: &Self) -> bool {
        self.0
            .strip_prefix(parent.as_str())
            .is_some_and(|rest| rest.starts_with(DELIMITER))
    }

    /// The name one level up, if there is one.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once(DELIMITER)
            .map(|(parent, _)| Self(CompactString::new(parent)))
    }

    /// The name's last level.
    #[must_use]
    pub fn leaf(&self) -> &str {
        self.0
            .rsplit_once(DELIMITER)
            .map_or(self.as_str(), |(_, leaf)| leaf)
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_is_case_insensitive_and_nothing_else_is() {
        let name = |text: &str| MailboxName::new(text).unwrap();
        assert_eq!(name("inBox"), MailboxName::inbox());
        assert_eq!(name("inbox/Deep").as_str(), "INBOX/Deep");
        assert_eq!(name("inboxes").as_str(), "inboxes");
        assert_ne!(name("Work"), name("work"));
        assert!(name("a/b/c").is_below(&name("a")));
        assert!(!name("ab").is_below(&name("a")));
        assert_eq!(name("a/b/c").parent(), Some(name("a/b")));
        assert_eq!(name("a/b/c").leaf(), "c");
    }

    #[test]
    fn names_without_sense_are_refused() {
        let error = |text: &str| MailboxName::new(text).unwrap_err();
        assert_eq!(error(""), NameError::Empty);
        assert_eq!(error("/a"), NameError::Empty);
        assert_eq!(error("a//b"), NameError::Empty);
        assert_eq!(error("a/"), NameError::Empty);
        assert_eq!(error("a\tb"), NameError::Control);
        assert_eq!(
            error(&"x".repeat(MAILBOX_NAME_OCTETS + 1)),
            NameError::TooLong
        );
    }
}
