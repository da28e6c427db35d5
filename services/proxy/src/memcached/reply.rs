//! What memcached answers (its `doc/protocol.txt`).

use std::io;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// `STORED`, `NOT_FOUND`, `END` and the like.
    Word(String),
    /// What `incr` says.
    Number(u64),
    /// One value.
    Value(Value),
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) unique: u64,
}

impl Reply {
    /// An answer, or nothing where it is not whole.
    pub(super) fn read(octets: &[u8]) -> io::Result<Option<Self>> {
        let Some((line, rest)) = split_line(octets) else {
            return Ok(None);
        };
        let line = std::str::from_utf8(line).map_err(|_| broken())?;
        let mut words = line.split(' ');
        match words.next() {
            Some("VALUE") => {
                // VALUE <key> <flags> <bytes> <cas unique>
                let mut numbers = words.skip(2).map(str::parse::<u64>);
                let (Some(Ok(length)), Some(Ok(unique))) = (numbers.next(), numbers.next()) else {
                    return Err(broken());
                };
                let length = usize::try_from(length).map_err(|_| broken())?;
                let whole: &[u8] = b"\r\nEND\r\n";
                let Some((value, tail)) = rest.split_at_checked(length) else {
                    return Ok(None);
                };
                match tail {
                    tail if tail == whole => {}
                    tail if whole.starts_with(tail) => return Ok(None),
                    _ => return Err(broken()),
                }
                let text = String::from_utf8(value.to_vec()).map_err(|_| broken())?;
                Ok(Some(Self::Value(Value { text, unique })))
            }
            Some("ERROR" | "CLIENT_ERROR" | "SERVER_ERROR") => {
                Err(io::Error::other(line.to_owned()))
            }
            Some(word) if !word.is_empty() && rest.is_empty() => Ok(Some(match word.parse() {
                Ok(number) => Self::Number(number),
                Err(_) => Self::Word(word.to_owned()),
            })),
            _ => Err(broken()),
        }
    }
}

fn split_line(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = octets.windows(2).position(|pair| pair == b"\r\n")?;
    Some((octets.get(..end)?, octets.get(end + 2..)?))
}

fn broken() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_when_they_are_whole() {
        let value = "VALUE route:proto=imap;user=a@b.c 0 9 17\r\n1.2.3.4:5\r\nEND\r\n";
        for end in 0..value.len() {
            assert_eq!(
                Reply::read(&value.as_bytes()[..end]).unwrap(),
                None,
                "{end}"
            );
        }
        let expected = Value {
            text: "1.2.3.4:5".to_owned(),
            unique: 17,
        };
        assert_eq!(
            Reply::read(value.as_bytes()).unwrap(),
            Some(Reply::Value(expected))
        );
        let word = |text: &str| Reply::read(text.as_bytes()).unwrap();
        assert_eq!(word("STORED\r\n"), Some(Reply::Word("STORED".to_owned())));
        assert_eq!(word("END\r\n"), Some(Reply::Word("END".to_owned())));
        assert_eq!(word("12\r\n"), Some(Reply::Number(12)));
        for text in [
            "SERVER_ERROR out of memory\r\n",
            "ERROR\r\n",
            "VALUE a b\r\n",
            "\r\n",
            "VALUE k 0 1 1\r\nabc\r\nEND\r\n",
        ] {
            assert!(Reply::read(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
