//! Whole commands (RFC 5321 §4.1.1 and its extensions; LHLO of RFC 2033).

use std::fmt;

use super::address::AddressError;
use super::mail::Mail;
use super::parameter::ParameterError;
use super::rcpt::Rcpt;
use crate::limits::COMMAND_MAX;

/// One command of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// HELO, EHLO or LHLO with the name the client goes by.
    Hello(Hello),
    /// MAIL FROM.
    Mail(Mail),
    /// RCPT TO.
    Rcpt(Rcpt),
    /// DATA.
    Data,
    /// BDAT (RFC 3030).
    Bdat(Bdat),
    /// RSET.
    Rset,
    /// NOOP, with whatever follows it.
    Noop,
    /// VRFY with its argument.
    Vrfy(String),
    /// EXPN with its argument.
    Expn(String),
    /// HELP.
    Help,
    /// QUIT.
    Quit,
    /// STARTTLS (RFC 3207).
    StartTls,
    /// AUTH (RFC 4954).
    Auth(Auth),
}

/// How a client introduces itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// With which verb.
    pub verb: HelloVerb,
    /// By which name: a domain, an address literal, or whatever else printable it says.
    pub name: String,
}

/// The three greetings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HelloVerb {
    /// SMTP without extensions.
    Helo,
    /// SMTP with extensions.
    Ehlo,
    /// LMTP.
    Lhlo,
}

/// `BDAT chunk-size [LAST]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bdat {
    /// How many octets follow.
    pub size: u64,
    /// Whether the message ends with them.
    pub last: bool,
}

/// `AUTH mechanism [initial-response]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    /// The mechanism's name.
    pub mechanism: String,
    /// The initial response, still in base64.
    pub initial: Option<String>,
}

impl fmt::Debug for Auth {
    /// Without the response, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Auth({})", self.mechanism)
    }
}

/// Why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No command has this verb.
    #[error("unknown command")]
    Verb,
    /// A command that we know and do not do.
    #[error("command not implemented")]
    NotImplemented,
    /// A browser or a script that was made to talk to us (`GET / HTTP/1.1`).
    #[error("not SMTP")]
    OtherProtocol,
    /// The arguments are not the command's.
    #[error("syntax error in the arguments")]
    Arguments,
    /// The line is over its limit.
    #[error("line too long")]
    TooLong,
    /// The line is not UTF-8 or has control characters.
    #[error("the line is not text")]
    NotText,
    /// MAIL's path.
    #[error("bad reverse-path: {0}")]
    ReversePath(AddressError),
    /// RCPT's path.
    #[error("bad forward-path: {0}")]
    ForwardPath(AddressError),
    /// MAIL's or RCPT's parameters.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
}

impl Command {
    /// Reads a line, without its CRLF.
    ///
    /// # Errors
    /// [`Malformed`] says what the reply has to say.
    pub fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let line = std::str::from_utf8(line).or(Err(Malformed::NotText))?;
        if line.chars().any(|char| char.is_control() && char != '\t') {
            return Err(Malformed::NotText);
        }
        // RFC 5321 §4.1.1: trailing white space should be tolerated.
        let line = line.trim_end_matches([' ', '\t']);
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let verb = verb.to_ascii_uppercase();
        if verb != "AUTH" && line.len() + 2 > COMMAND_MAX {
            return Err(Malformed::TooLong);
        }
        match verb.as_str() {
            "HELO" => hello(HelloVerb::Helo, rest),
            "EHLO" => hello(HelloVerb::Ehlo, rest),
            "LHLO" => hello(HelloVerb::Lhlo, rest),
            "MAIL" => Mail::parse(after(rest, "FROM:")?).map(Self::Mail),
            "RCPT" => Rcpt::parse(after(rest, "TO:")?).map(Self::Rcpt),
            "DATA" => alone(rest, Self::Data),
            "BDAT" => bdat(rest),
            "RSET" => alone(rest, Self::Rset),
            "NOOP" => Ok(Self::Noop),
            "VRFY" => argument(rest).map(Self::Vrfy),
            "EXPN" => argument(rest).map(Self::Expn),
            "HELP" => Ok(Self::Help),
            "QUIT" => alone(rest, Self::Quit),
            "STARTTLS" => alone(rest, Self::StartTls),
            "AUTH" => auth(rest),
            "SEND" | "SOML" | "SAML" | "TURN" | "ETRN" | "ATRN" | "BURL" => {
                Err(Malformed::NotImplemented)
            }
            "GET" | "POST" | "PUT" | "HEAD" | "CONNECT" | "OPTIONS" | "DELETE" | "PATCH"
            | "TRACE" => Err(Malformed::OtherProtocol),
            _ => Err(Malformed::Verb),
        }
    }
}

fn alone(rest: &str, command: Command) -> Result<Command, Malformed> {
    match rest {
        "" => Ok(command),
        _ => Err(Malformed::Arguments),
    }
}

fn argument(rest: &str) -> Result<String, Malformed> {
    match rest.trim_start_matches(' ') {
        "" => Err(Malformed::Arguments),
        argument => Ok(argument.to_owned()),
    }
}

/// What follows `FROM:` or `TO:`. A space after the colon is no part of the grammar but so common
/// that every server takes it.
fn after<'a>(rest: &'a str, word: &str) -> Result<&'a str, Malformed> {
    let rest = rest.trim_start_matches(' ');
    match rest.get(..word.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(word) => {
            let rest = rest.get(word.len()..).unwrap_or_default();
            Ok(rest.trim_start_matches(' '))
        }
        _ => Err(Malformed::Arguments),
    }
}

// RFC 5321 §4.1.1.1: ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
// departs: the name is not held to its grammar (RFC 5321 §4.1.4 forbids to refuse a message because
// the name does not verify, and clients behind NAT say all kinds of things), only to be one word.
fn hello(verb: HelloVerb, rest: &str) -> Result<Command, Malformed> {
    let name = argument(rest)?;
    match name.contains([' ', '\t', '<', '>', '(', ')']) {
        false if name.len() <= 255 => Ok(Command::Hello(Hello { verb, name })),
        _ => Err(Malformed::Arguments),
    }
}

// RFC 3030 §2: bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF; chunk-size ::= 1*DIGIT
fn bdat(rest: &str) -> Result<Command, Malformed> {
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    let size = words
        .next()
        .filter(|size| size.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|size| size.parse().ok())
        .ok_or(Malformed::Arguments)?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return Err(Malformed::Arguments),
    };
    match words.next() {
        None => Ok(Command::Bdat(Bdat { size, last })),
        Some(_) => Err(Malformed::Arguments),
    }
}

// RFC 4954 §4: AUTH mechanism [initial-response]
fn auth(rest: &str) -> Result<Command, Malformed> {
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    let mechanism = words.next().ok_or(Malformed::Arguments)?.to_owned();
    let initial = words.next().map(str::to_owned);
    match words.next() {
        None => Ok(Command::Auth(Auth { mechanism, initial })),
        Some(_) => Err(Malformed::Arguments),
    }
}

impl fmt::Display for HelloVerb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Helo => "HELO",
            Self::Ehlo => "EHLO",
            Self::Lhlo => "LHLO",
        })
    }
}

impl fmt::Display for Command {
    /// The line, without its CRLF. An AUTH command shows its initial response: do not log it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello(hello) => write!(f, "{} {}", hello.verb, hello.name),
            Self::Mail(mail) => write!(f, "{mail}"),
            Self::Rcpt(rcpt) => write!(f, "{rcpt}"),
            Self::Data => f.write_str("DATA"),
            Self::Bdat(Bdat { size, last: false }) => write!(f, "BDAT {size}"),
            Self::Bdat(Bdat { size, last: true }) => write!(f, "BDAT {size} LAST"),
            Self::Rset => f.write_str("RSET"),
            Self::Noop => f.write_str("NOOP"),
            Self::Vrfy(argument) => write!(f, "VRFY {argument}"),
            Self::Expn(argument) => write!(f, "EXPN {argument}"),
            Self::Help => f.write_str("HELP"),
            Self::Quit => f.write_str("QUIT"),
            Self::StartTls => f.write_str("STARTTLS"),
            Self::Auth(auth) => {
                write!(f, "AUTH {}", auth.mechanism)?;
                match &auth.initial {
                    None => Ok(()),
                    Some(initial) => write!(f, " {initial}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every line that we read must print as something that reads the same.
    #[track_caller]
    fn check(line: &str) -> Command {
        let command = Command::parse(line.as_bytes()).unwrap();
        assert_eq!(
            Command::parse(command.to_string().as_bytes()).as_ref(),
            Ok(&command)
        );
        command
    }

    #[track_caller]
    fn printed(line: &str, print: &str) {
        assert_eq!(check(line).to_string(), print);
    }

    #[test]
    fn commands_are_read_and_printed() {
        printed("ehlo client.example", "EHLO client.example");
        printed("HELO [192.0.2.1]", "HELO [192.0.2.1]");
        printed("LHLO x ", "LHLO x");
        printed("data", "DATA");
        printed("BDAT 0 last", "BDAT 0 LAST");
        printed("BDAT 1000", "BDAT 1000");
        printed("NOOP whatever", "NOOP");
        printed("vrfy alice", "VRFY alice");
        printed("AUTH PLAIN", "AUTH PLAIN");
        printed("AUTH PLAIN =", "AUTH PLAIN =");
        printed("MAIL FROM:<>", "MAIL FROM:<>");
        printed(
            "mail from: <A@X.test>  size=5",
            "MAIL FROM:<A@x.test> SIZE=5",
        );
        printed(
            "MAIL FROM:<a@x.test> body=8bitmime SMTPUTF8 RET=hdrs ENVID=q+2B1 AUTH=<> REQUIRETLS",
            "MAIL FROM:<a@x.test> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=q+2B1 AUTH=<> REQUIRETLS",
        );
        printed(
            "MAIL FROM:<a@x.test> AUTH=e+3Dmc2@example.com SIZE=99999999999999999999",
            "MAIL FROM:<a@x.test> SIZE=18446744073709551615 AUTH=e+3Dmc2@example.com",
        );
        printed(
            "rcpt to:<B@x.test> notify=delay,SUCCESS orcpt=RFC822;b+2Bc@x.test",
            "RCPT TO:<B@x.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bc@x.test",
        );
        printed(
            "RCPT TO:<postmaster> NOTIFY=NEVER",
            "RCPT TO:<Postmaster> NOTIFY=NEVER",
        );
    }

    #[test]
    fn malformed_lines_say_what_is_wrong() {
        use Malformed::{Arguments, NotImplemented, NotText, OtherProtocol, Parameter, Verb};
        for (line, why) in [
            ("", Verb),
            ("FOO", Verb),
            ("MAILFROM:<a@x.test>", Verb),
            ("EHLO", Arguments),
            ("EHLO a b", Arguments),
            ("DATA now", Arguments),
            ("STARTTLS now", Arguments),
            ("QUIT now", Arguments),
            ("MAIL", Arguments),
            ("MAIL TO:<a@x.test>", Arguments),
            ("RCPT FROM:<a@x.test>", Arguments),
            ("BDAT", Arguments),
            ("BDAT -1", Arguments),
            ("BDAT +1", Arguments),
            ("BDAT 99999999999999999999999", Arguments),
            ("BDAT 1 FIRST", Arguments),
            ("BDAT 1 LAST x", Arguments),
            ("AUTH", Arguments),
            ("AUTH PLAIN a b", Arguments),
            ("VRFY", Arguments),
            ("TURN", NotImplemented),
            ("GET / HTTP/1.1", OtherProtocol),
            ("NOOP \u{7}", NotText),
            ("NOOP \r", NotText),
            (
                "MAIL FROM:a@x.test",
                Malformed::ReversePath(AddressError::Brackets),
            ),
            (
                "RCPT TO:<>",
                Malformed::ForwardPath(AddressError::LocalPart),
            ),
            (
                "MAIL FROM:<a@x.test>SIZE=1",
                Parameter(ParameterError::Syntax),
            ),
            (
                "MAIL FROM:<a@x.test> SIZE",
                Parameter(ParameterError::Value("SIZE")),
            ),
            (
                "MAIL FROM:<a@x.test> SIZE=-1",
                Parameter(ParameterError::Value("SIZE")),
            ),
            (
                "MAIL FROM:<a@x.test> SIZE=1 SIZE=1",
                Parameter(ParameterError::Twice("SIZE")),
            ),
            (
                "MAIL FROM:<a@x.test> SMTPUTF8=1",
                Parameter(ParameterError::Value("SMTPUTF8")),
            ),
            (
                "MAIL FROM:<a@x.test> BODY=9BIT",
                Parameter(ParameterError::Value("BODY")),
            ),
            (
                "MAIL FROM:<a@x.test> NOTIFY=NEVER",
                Parameter(ParameterError::Unknown),
            ),
            (
                "RCPT TO:<a@x.test> NOTIFY=NEVER,DELAY",
                Parameter(ParameterError::Value("NOTIFY")),
            ),
            (
                "RCPT TO:<a@x.test> ORCPT=a@x.test",
                Parameter(ParameterError::Value("ORCPT")),
            ),
            ("RCPT TO:<a@x.test> X=", Parameter(ParameterError::Syntax)),
        ] {
            assert_eq!(Command::parse(line.as_bytes()), Err(why), "{line:?}");
        }
        assert_eq!(Command::parse(b"NOOP \xff"), Err(NotText));
    }

    #[test]
    fn only_auth_may_be_long() {
        let line =
            |verb: &str, length: usize| format!("{verb} {}", "x".repeat(length - verb.len() - 1));
        assert!(Command::parse(line("NOOP", COMMAND_MAX - 2).as_bytes()).is_ok());
        assert_eq!(
            Command::parse(line("NOOP", COMMAND_MAX - 1).as_bytes()),
            Err(Malformed::TooLong)
        );
        assert!(Command::parse(line("AUTH PLAIN", 12_000).as_bytes()).is_ok());
    }

    #[test]
    fn debug_hides_the_initial_response() {
        let command = Command::parse(b"AUTH PLAIN AHRpbQBzZWNyZXQ=").unwrap();
        assert_eq!(format!("{command:?}"), "Auth(Auth(PLAIN))");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(line in any::<Vec<u8>>()) {
            if let Ok(command) = Command::parse(&line) {
                check(&command.to_string());
            }
        }

        #[test]
        fn anything_like_a_command_survives_printing(
            line in "(MAIL FROM:|RCPT TO:|EHLO |AUTH |BDAT )[<>@a-zA-Z0-9\":.\\\\ =;+\\[\\]ü-]{0,60}",
        ) {
            if let Ok(command) = Command::parse(line.as_bytes()) {
                check(&command.to_string());
            }
        }
    }
}
