//! Commands as they look on the wire (RFC 1939 §9 and its extensions).

use std::fmt;

use crate::limits::COMMAND_MAX;

/// One command of a client.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// USER name.
    User(String),
    /// PASS password.
    Pass(Vec<u8>),
    /// AUTH, alone or with a mechanism and an initial response in base64 (RFC 5034).
    Auth(Option<Auth>),
    /// CAPA (RFC 2449).
    Capa,
    /// STLS (RFC 2595).
    Stls,
    /// UTF8 (RFC 6856).
    Utf8,
    /// QUIT.
    Quit,
    /// NOOP.
    Noop,
    /// STAT.
    Stat,
    /// LIST, of one message or all.
    List(Option<Number>),
    /// UIDL, of one message or all.
    Uidl(Option<Number>),
    /// RETR.
    Retr(Number),
    /// TOP: a message's header section and this many lines of its body.
    Top(Number, u64),
    /// DELE.
    Dele(Number),
    /// RSET.
    Rset,
    /// XCLIENT: a proxy says for whom it speaks, as Dovecot's do (`ADDR=192.0.2.7 PORT=5600`).
    Xclient(String),
}

/// `AUTH mechanism [initial-response]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    /// The mechanism's name.
    pub mechanism: String,
    /// The initial response, still in base64.
    pub initial: Option<String>,
}

/// A message's number in the maildrop, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(usize);

impl Number {
    /// The number of the message at `index`.
    #[must_use]
    pub fn of_index(index: usize) -> Self {
        Self(index.saturating_add(1))
    }

    /// Its place in the maildrop, from 0 on.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 - 1
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No command has this keyword.
    #[error("unknown command")]
    Keyword,
    /// The arguments are not the command's.
    #[error("bad arguments")]
    Arguments,
    /// The line is over its limit.
    #[error("line too long")]
    TooLong,
}

impl Command {
    /// Reads a line, without its line end.
    ///
    /// # Errors
    /// [`Malformed`] says what the response has to say.
    pub fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let space = memchr::memchr(b' ', line);
        let (keyword, rest) = match space.and_then(|at| line.split_at_checked(at)) {
            Some((keyword, rest)) => (keyword, rest.get(1..).unwrap_or_default()),
            None => (line, &[][..]),
        };
        let keyword = keyword.to_ascii_uppercase();
        if keyword != b"AUTH" && line.len() + 2 > COMMAND_MAX {
            return Err(Malformed::TooLong);
        }
        match keyword.as_slice() {
            b"XCLIENT" => {
                let fields: Vec<&str> = words(rest)?.collect();
                Ok(Self::Xclient(fields.join(" ")))
            }
            b"USER" => Ok(Self::User(one(rest)?.to_owned())),
            // RFC 1939 §7: a space in the argument of PASS is part of the password.
            b"PASS" if !rest.is_empty() => Ok(Self::Pass(rest.to_vec())),
            b"PASS" => Err(Malformed::Arguments),
            b"AUTH" => auth(rest),
            b"CAPA" => none(rest, Self::Capa),
            b"STLS" => none(rest, Self::Stls),
            b"UTF8" => none(rest, Self::Utf8),
            b"QUIT" => none(rest, Self::Quit),
            b"NOOP" => none(rest, Self::Noop),
            b"STAT" => none(rest, Self::Stat),
            b"RSET" => none(rest, Self::Rset),
            b"LIST" => optional(rest).map(Self::List),
            b"UIDL" => optional(rest).map(Self::Uidl),
            b"RETR" => number(one(rest)?).map(Self::Retr),
            b"DELE" => number(one(rest)?).map(Self::Dele),
            b"TOP" => top(rest),
            _ => Err(Malformed::Keyword),
        }
    }
}

fn words(rest: &[u8]) -> Result<impl Iterator<Item = &str>, Malformed> {
    let text = std::str::from_utf8(rest).or(Err(Malformed::Arguments))?;
    match text.chars().any(char::is_control) {
        true => Err(Malformed::Arguments),
        false => Ok(text.split(' ').filter(|word| !word.is_empty())),
    }
}

fn one(rest: &[u8]) -> Result<&str, Malformed> {
    let mut words = words(rest)?;
    match (words.next(), words.next()) {
        (Some(word), None) => Ok(word),
        _ => Err(Malformed::Arguments),
    }
}

fn none(rest: &[u8], command: Command) -> Result<Command, Malformed> {
    match words(rest)?.next() {
        None => Ok(command),
        Some(_) => Err(Malformed::Arguments),
    }
}

fn optional(rest: &[u8]) -> Result<Option<Number>, Malformed> {
    match words(rest)?.next() {
        None => Ok(None),
        Some(_) => number(one(rest)?).map(Some),
    }
}

fn top(rest: &[u8]) -> Result<Command, Malformed> {
    let mut words = words(rest)?;
    match (words.next(), words.next(), words.next()) {
        (Some(message), Some(lines), None) => {
            let lines = digits(lines).ok_or(Malformed::Arguments)?;
            Ok(Command::Top(number(message)?, lines))
        }
        _ => Err(Malformed::Arguments),
    }
}

fn auth(rest: &[u8]) -> Result<Command, Malformed> {
    let mut words = words(rest)?;
    let Some(mechanism) = words.next() else {
        return Ok(Command::Auth(None));
    };
    let initial = words.next().map(str::to_owned);
    match words.next() {
        None => Ok(Command::Auth(Some(Auth {
            mechanism: mechanism.to_owned(),
            initial,
        }))),
        Some(_) => Err(Malformed::Arguments),
    }
}

fn number(word: &str) -> Result<Number, Malformed> {
    digits(word)
        .and_then(|number| usize::try_from(number).ok())
        .filter(|&number| number > 0)
        .map(Number)
        .ok_or(Malformed::Arguments)
}

fn digits(word: &str) -> Option<u64> {
    let all = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    // A number too large for us is larger than any maildrop.
    all.then(|| word.parse().unwrap_or(u64::MAX))
}

impl fmt::Debug for Command {
    /// The keyword only: arguments may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User(_) => "USER",
            Self::Pass(_) => "PASS",
            Self::Auth(_) => "AUTH",
            Self::Capa => "CAPA",
            Self::Stls => "STLS",
            Self::Utf8 => "UTF8",
            Self::Quit => "QUIT",
            Self::Noop => "NOOP",
            Self::Stat => "STAT",
            Self::List(_) => "LIST",
            Self::Uidl(_) => "UIDL",
            Self::Retr(_) => "RETR",
            Self::Top(..) => "TOP",
            Self::Dele(_) => "DELE",
            Self::Rset => "RSET",
            Self::Xclient(_) => "XCLIENT",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_are_read() {
        let number = Number::of_index(1);
        for (line, command) in [
            ("user alice", Command::User("alice".into())),
            ("PASS a secret ", Command::Pass(b"a secret ".to_vec())),
            ("AUTH", Command::Auth(None)),
            ("stat ", Command::Stat),
            ("LIST", Command::List(None)),
            ("LIST 2", Command::List(Some(number))),
            ("UIDL 2", Command::Uidl(Some(number))),
            ("RETR 2", Command::Retr(number)),
            ("TOP 2 0", Command::Top(number, 0)),
            ("TOP 2 99999999999999999999", Command::Top(number, u64::MAX)),
            ("DELE 002", Command::Dele(number)),
            (
                "XCLIENT ADDR=192.0.2.7  PORT=5",
                Command::Xclient("ADDR=192.0.2.7 PORT=5".into()),
            ),
        ] {
            assert!(Command::parse(line.as_bytes()) == Ok(command), "{line}");
        }
    }

    #[test]
    fn malformed_lines_say_what_is_wrong() {
        use Malformed::{Arguments, Keyword, TooLong};
        let long = format!("USER {}", "x".repeat(COMMAND_MAX));
        for (line, why) in [
            ("", Keyword),
            ("APOP alice 00", Keyword),
            ("LAST", Keyword),
            ("USER", Arguments),
            ("USER a b", Arguments),
            ("PASS", Arguments),
            ("STAT 1", Arguments),
            ("RETR", Arguments),
            ("RETR 0", Arguments),
            ("RETR -1", Arguments),
            ("RETR +1", Arguments),
            ("RETR 1 2", Arguments),
            ("LIST x", Arguments),
            ("TOP 1", Arguments),
            ("TOP 1 -1", Arguments),
            ("TOP 1 1 1", Arguments),
            ("AUTH PLAIN a b", Arguments),
            (&long, TooLong),
        ] {
            assert_eq!(Command::parse(line.as_bytes()), Err(why), "{line}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let command = Command::parse(b"PASS secret");
        assert_eq!(format!("{command:?}"), "Ok(PASS)");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(line in any::<Vec<u8>>()) {
            if let Ok(command) = Command::parse(&line) {
                prop_assert_ne!(format!("{:?}", command), "");
            }
        }
    }
}
