//! Commands of ManageSieve as they come (RFC 5804 §4), as far as they are for who has not logged in.

/// Octets of a command or response before the login, literals included: a SASL response has at most
/// about 2 KB.
const OCTETS_MAX: usize = 8 * 1024;

/// What the octets at hand are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read<T> {
    /// Not whole.
    More,
    /// Neither whole nor to be.
    Nonsense,
    /// Something, of so many octets.
    Whole { used: usize, read: T },
}

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Authenticate {
        mechanism: String,
        /// In base64.
        initial: Option<Vec<u8>>,
    },
    StartTls,
    Logout,
    Capability,
    Noop(Option<String>),
    /// One that is for later, or none at all.
    Other,
}

/// A word, or a string's octets.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    Atom(String),
    Text(Vec<u8>),
}

/// Reads a command.
pub(super) fn command(octets: &[u8]) -> Read<Command> {
    let (used, tokens) = match line(octets) {
        Read::More => return Read::More,
        Read::Nonsense => return Read::Nonsense,
        Read::Whole { used, read } => (used, read),
    };
    let mut tokens = tokens.into_iter();
    let name = match tokens.next() {
        Some(Token::Atom(name)) => name.to_ascii_uppercase(),
        Some(Token::Text(_)) | None => return Read::Nonsense,
    };
    let mut text = || match tokens.next() {
        Some(Token::Text(text)) => Some(text),
        Some(Token::Atom(_)) | None => None,
    };
    let utf8 = |text: Vec<u8>| String::from_utf8(text).ok();
    let read = match name.as_str() {
        "AUTHENTICATE" => match text().and_then(utf8) {
            Some(mechanism) => Command::Authenticate {
                mechanism,
                initial: text(),
            },
            None => Command::Other,
        },
        "STARTTLS" => Command::StartTls,
        "LOGOUT" => Command::Logout,
        "CAPABILITY" => Command::Capability,
        "NOOP" => Command::Noop(text().and_then(utf8)),
        _ => Command::Other,
    };
    Read::Whole { used, read }
}

/// Reads what answers a challenge: one string.
pub(super) fn response(octets: &[u8]) -> Read<Vec<u8>> {
    match line(octets) {
        Read::More => Read::More,
        Read::Nonsense => Read::Nonsense,
        Read::Whole { used, read } => match <[Token; 1]>::try_from(read) {
            Ok([Token::Text(read)]) => Read::Whole { used, read },
            Ok([Token::Atom(_)]) | Err(_) => Read::Nonsense,
        },
    }
}

/// Tokens up to the end of the line; a literal's octets do not end it.
fn line(octets: &[u8]) -> Read<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let more = || match octets.len() >= OCTETS_MAX {
        true => Read::Nonsense,
        false => Read::More,
    };
    loop {
        let Some(rest) = octets.get(at..).filter(|rest| !rest.is_empty()) else {
            return more();
        };
        match rest {
            [b'\r', b'\n', ..] => {
                return Read::Whole {
                    used: at + 2,
                    read: tokens,
                };
            }
            [b'\r'] => return more(),
            [b' ', ..] => at += 1,
            [b'"', rest @ ..] => {
                let Some((text, length)) = quoted_text(rest) else {
                    let broken = rest.iter().any(|octet| matches!(octet, b'\r' | b'\n'));
                    return if broken { Read::Nonsense } else { more() };
                };
                tokens.push(Token::Text(text));
                at += 1 + length;
            }
            [b'{', rest @ ..] => {
                // RFC 5804 §4: from a client, literals never wait.
                let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else {
                    return if rest.len() > 16 {
                        Read::Nonsense
                    } else {
                        more()
                    };
                };
                let size = rest
                    .get(..end)
                    .and_then(|size| size.strip_suffix(b"+}"))
                    .and_then(|size| std::str::from_utf8(size).ok()?.parse::<usize>().ok());
                let Some(size) = size.filter(|size| *size <= OCTETS_MAX) else {
                    return Read::Nonsense;
                };
                let from = end + 2;
                let Some(text) = rest.get(from..from + size) else {
                    return more();
                };
                tokens.push(Token::Text(text.to_vec()));
                at += 1 + from + size;
            }
            rest => {
                let word = |octet: &&u8| octet.is_ascii_graphic() && !b"\"{".contains(octet);
                let length = rest.iter().take_while(word).count();
                let atom = rest.get(..length).unwrap_or_default();
                if length == 0 {
                    return Read::Nonsense;
                }
                tokens.push(Token::Atom(String::from_utf8_lossy(atom).into_owned()));
                at += length;
            }
        }
    }
}

/// The text of a quoted string behind its first quote, and how many octets it takes with its last one.
fn quoted_text(octets: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut text = Vec::new();
    let mut at = 0;
    loop {
        match octets.get(at..)? {
            [b'"', ..] => return Some((text, at + 1)),
            [b'\\', escaped, ..] => {
                text.push(*escaped);
                at += 2;
            }
            [b'\r' | b'\n', ..] | [b'\\'] | [] => return None,
            [octet, ..] => {
                text.push(*octet);
                at += 1;
            }
        }
    }
}

/// A text as a quoted string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn whole(octets: &str) -> Command {
        for end in 0..octets.len() {
            assert_eq!(
                command(&octets.as_bytes()[..end]),
                Read::More,
                "{end} of {octets:?}"
            );
        }
        match command(format!("{octets}NOOP\r\n").as_bytes()) {
            Read::Whole { used, read } => {
                assert_eq!(used, octets.len());
                read
            }
            other => panic!("{octets:?}: {other:?}"),
        }
    }

    #[test]
    fn commands_are_read_when_they_are_whole() {
        let authenticate = |mechanism: &str, initial: Option<&str>| Command::Authenticate {
            mechanism: mechanism.to_owned(),
            initial: initial.map(|text| text.as_bytes().to_vec()),
        };
        assert_eq!(whole("CAPABILITY\r\n"), Command::Capability);
        assert_eq!(
            whole("noop \"a \\\"b\\\"\"\r\n"),
            Command::Noop(Some("a \"b\"".to_owned()))
        );
        assert_eq!(
            whole("Authenticate \"PLAIN\" \"AGE=\"\r\n"),
            authenticate("PLAIN", Some("AGE="))
        );
        assert_eq!(
            whole("AUTHENTICATE \"PLAIN\" {6+}\r\nab\r\ncd\r\n"),
            authenticate("PLAIN", Some("ab\r\ncd"))
        );
        assert_eq!(whole("LISTSCRIPTS\r\n"), Command::Other);
    }

    #[test]
    fn nonsense_is_found_out() {
        let long = format!("NOOP \"{}", "x".repeat(OCTETS_MAX));
        for octets in [
            "\r\n",
            "\"NOOP\"\r\n",
            "NOOP\n",
            "NOOP \"a\r\n",
            "X {5}\r\n",
            "X {99999+}\r\n",
            "X {12345678901234567890",
            "\0\r\n",
            &long,
        ] {
            assert_eq!(command(octets.as_bytes()), Read::Nonsense, "{octets:?}");
        }
        assert_eq!(response(b"\"a\" \"b\"\r\n"), Read::Nonsense);
        assert_eq!(response(b"*\r\n"), Read::Nonsense);
        assert_eq!(quoted("a\"\\\r\n"), "\"a\\\"\\\\\"");
    }
}
