//! What is answered.

use super::ber::{self, Tag, Writer};
use super::message::{Control, MessageId, write_controls};
use super::request::tag;

/// Result codes (RFC 4511 §4.1.9 and the RFCs of the extensions).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the RFC's")]
#[repr(i64)]
pub enum ResultCode {
    Success = 0,
    OperationsError = 1,
    ProtocolError = 2,
    TimeLimitExceeded = 3,
    SizeLimitExceeded = 4,
    CompareFalse = 5,
    CompareTrue = 6,
    AuthMethodNotSupported = 7,
    StrongerAuthRequired = 8,
    AdminLimitExceeded = 11,
    UnavailableCriticalExtension = 12,
    ConfidentialityRequired = 13,
    NoSuchAttribute = 16,
    UndefinedAttributeType = 17,
    InappropriateMatching = 18,
    ConstraintViolation = 19,
    AttributeOrValueExists = 20,
    InvalidAttributeSyntax = 21,
    NoSuchObject = 32,
    InvalidDnSyntax = 34,
    InappropriateAuthentication = 48,
    InvalidCredentials = 49,
    InsufficientAccessRights = 50,
    Busy = 51,
    Unavailable = 52,
    UnwillingToPerform = 53,
    NamingViolation = 64,
    ObjectClassViolation = 65,
    NotAllowedOnNonLeaf = 66,
    NotAllowedOnRdn = 67,
    EntryAlreadyExists = 68,
    ObjectClassModsProhibited = 69,
    Other = 80,
    /// RFC 3909.
    Canceled = 118,
    /// RFC 3909.
    NoSuchOperation = 119,
    /// RFC 3909.
    TooLate = 120,
    /// RFC 3909.
    CannotCancel = 121,
    /// RFC 4528.
    AssertionFailed = 122,
}

/// How an operation went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The code.
    pub code: ResultCode,
    /// The nearest entry that exists, where none was found.
    pub matched: String,
    /// For people.
    pub message: String,
}

impl Outcome {
    /// An outcome that needs no words.
    #[must_use]
    pub fn of(code: ResultCode) -> Self {
        Self::new(code, "")
    }

    /// An outcome with words.
    #[must_use]
    pub fn new(code: ResultCode, message: impl Into<String>) -> Self {
        Self {
            code,
            matched: String::new(),
            message: message.into(),
        }
    }
}

/// The identifier of the answer that ends the operation `request`; `None` where there is none.
#[must_use]
pub fn answer_tag(request: Tag) -> Option<Tag> {
    match request {
        tag::BIND => Some(BIND),
        tag::SEARCH => Some(SEARCH_DONE),
        tag::MODIFY => Some(0x67),
        tag::ADD => Some(0x69),
        tag::DELETE => Some(0x6b),
        tag::MODIFY_DN => Some(0x6d),
        tag::COMPARE => Some(0x6f),
        tag::EXTENDED => Some(EXTENDED),
        _ => None,
    }
}

const BIND: Tag = 0x61;
const SEARCH_ENTRY: Tag = 0x64;
const SEARCH_DONE: Tag = 0x65;
const EXTENDED: Tag = 0x78;

/// Notice of disconnection (RFC 4511 §4.4.1).
const NOTICE_OF_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// What an extended operation answers beyond its outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtendedAnswer {
    /// The responseName.
    pub name: Option<&'static str>,
    /// The responseValue.
    pub value: Option<Vec<u8>>,
}

/// Writes the answer that ends the operation with the identifier `tag`.
#[must_use]
pub fn result(id: MessageId, tag: Tag, outcome: &Outcome, controls: &[Control]) -> Vec<u8> {
    message(id, controls, |writer| {
        writer.constructed(tag, |writer| write_outcome(writer, outcome))
    })
}

/// Writes the answer to an extended operation.
#[must_use]
pub fn extended(
    id: MessageId,
    outcome: &Outcome,
    answer: &ExtendedAnswer,
    controls: &[Control],
) -> Vec<u8> {
    message(id, controls, |writer| {
        writer.constructed(EXTENDED, |writer| {
            write_outcome(writer, outcome);
            if let Some(name) = answer.name {
                writer.primitive(ber::context(10), name.as_bytes());
            }
            if let Some(value) = &answer.value {
                writer.primitive(ber::context(11), value);
            }
        });
    })
}

/// Writes the server's goodbye.
#[must_use]
pub fn notice_of_disconnection(outcome: &Outcome) -> Vec<u8> {
    let answer = ExtendedAnswer {
        name: Some(NOTICE_OF_DISCONNECTION),
        value: None,
    };
    extended(MessageId(0), outcome, &answer, &[])
}

/// An attribute as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'a> {
    /// Its name, as the client asked for it or as the schema has it.
    pub name: &'a str,
    /// Its values; none for a client that wants types only.
    pub values: Vec<&'a [u8]>,
}

/// Writes one entry of a search.
#[must_use]
pub fn entry(id: MessageId, dn: &str, attributes: &[Shown<'_>], controls: &[Control]) -> Vec<u8> {
    message(id, controls, |writer| {
        writer.constructed(SEARCH_ENTRY, |writer| write_entry(writer, dn, attributes));
    })
}

/// Writes an entry as the value of a pre- or post-read control (RFC 4527 §3.1).
#[must_use]
pub fn entry_value(dn: &str, attributes: &[Shown<'_>]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.constructed(SEARCH_ENTRY, |writer| write_entry(writer, dn, attributes));
    writer.into_bytes()
}

fn message(id: MessageId, controls: &[Control], body: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.constructed(ber::SEQUENCE, |writer| {
        writer.integer(i64::from(id.0));
        body(writer);
        write_controls(writer, controls);
    });
    writer.into_bytes()
}

fn write_outcome(writer: &mut Writer, outcome: &Outcome) {
    writer.enumerated(outcome.code as i64);
    writer.octets(outcome.matched.as_bytes());
    writer.octets(outcome.message.as_bytes());
}

fn write_entry(writer: &mut Writer, dn: &str, attributes: &[Shown<'_>]) {
    writer.octets(dn.as_bytes());
    writer.constructed(ber::SEQUENCE, |writer| {
        for attribute in attributes {
            writer.constructed(ber::SEQUENCE, |writer| {
                writer.octets(attribute.name.as_bytes());
                writer.constructed(ber::SET, |writer| {
                    for value in &attribute.values {
                        writer.octets(value);
                    }
                });
            });
        }
    });
}
