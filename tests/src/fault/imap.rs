//! As much of an IMAP client as the load and the check need.

use std::collections::BTreeSet;
use std::time::Duration;

use super::line::{Lines, Lost};

/// One untagged response: its text, literals cut out, and the literals.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// Without the literals.
    pub text: String,
    /// In their order.
    pub literals: Vec<Vec<u8>>,
}

/// What a command was answered.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Before the tagged response.
    pub untagged: Vec<Response>,
    /// The tagged response without its tag: `OK [APPENDUID 3 7] done`.
    pub tagged: String,
}

impl Answer {
    /// Whether it was OK.
    pub fn is_ok(&self) -> bool {
        self.tagged.starts_with("OK")
    }

    /// The arguments of a response code, tagged or not.
    pub fn code(&self, name: &str) -> Option<&str> {
        let begin = format!("[{name} ");
        let texts = self.untagged.iter().map(|one| one.text.as_str());
        texts.chain([self.tagged.as_str()]).find_map(|text| {
            let rest = text.split_once(begin.as_str())?.1;
            Some(rest.split_once(']')?.0)
        })
    }

    /// A response code that is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.code(name)?.trim().parse().ok()
    }

    /// The messages of a FETCH.
    pub fn messages(&self) -> impl Iterator<Item = Fetched> {
        self.untagged.iter().filter_map(Fetched::read)
    }

    /// The number before EXISTS.
    pub fn exists(&self) -> Option<u32> {
        let line = |one: &Response| one.text.strip_suffix(" EXISTS")?.get(2..)?.parse().ok();
        self.untagged.iter().rev().find_map(line)
    }
}

/// A message as FETCH tells it.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its UID.
    pub uid: u32,
    /// Its flags, without `\Recent`.
    pub flags: BTreeSet<String>,
    /// Its mod-sequence; 0 where it was not told.
    pub modseq: u64,
    /// The body or header that was asked.
    pub octets: Option<Vec<u8>>,
}

impl Fetched {
    fn read(response: &Response) -> Option<Self> {
        let text = response.text.as_str();
        text.split_once(" FETCH (")?;
        let number = |name: &str| -> Option<u64> {
            let rest = text.split_once(name)?.1;
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            rest.get(..end)?.parse().ok()
        };
        let flags = text
            .split_once("FLAGS (")
            .and_then(|(_, rest)| rest.split_once(')'));
        let flags = flags.map_or("", |(flags, _)| flags);
        Some(Self {
            uid: u32::try_from(number("UID ")?).ok()?,
            flags: flags
                .split_whitespace()
                .filter(|flag| *flag != "\\Recent")
                .map(str::to_owned)
                .collect(),
            modseq: number("MODSEQ (").unwrap_or(0),
            octets: response.literals.first().cloned(),
        })
    }
}

/// What SELECT says.
#[derive(Debug, Clone, Copy)]
pub struct Selected {
    /// The generation of the UIDs.
    pub uid_validity: u32,
    /// The next UID.
    pub uid_next: u32,
    /// The newest change.
    pub highest: u64,
    /// How many messages there are.
    pub exists: u32,
}

/// A session.
#[derive(Debug)]
pub struct Imap {
    lines: Lines,
    tag: u32,
}

impl Imap {
    /// Connects and signs in.
    pub fn connect(port: u16, user: &str, password: &str) -> Result<Self, Lost> {
        let mut this = Self {
            lines: Lines::connect(port, Duration::from_secs(60))?,
            tag: 0,
        };
        this.lines.line()?;
        let answer = this.command(&format!("LOGIN {user} {password}"))?;
        if !answer.is_ok() {
            return Err(Lost(format!("no login: {}", answer.tagged)));
        }
        this.command("ENABLE CONDSTORE")?;
        Ok(this)
    }

    /// A command without literals.
    pub fn command(&mut self, command: &str) -> Result<Answer, Lost> {
        self.send(command, &[])
    }

    /// APPEND.
    pub fn append(&mut self, folder: &str, flags: &str, octets: &[u8]) -> Result<Answer, Lost> {
        let size = octets.len();
        self.send(&format!("APPEND {folder} ({flags}) {{{size}+}}"), octets)
    }

    fn send(&mut self, command: &str, literal: &[u8]) -> Result<Answer, Lost> {
        self.tag += 1;
        let tag = format!("a{} ", self.tag);
        let mut octets = format!("{tag}{command}\r\n").into_bytes();
        if !literal.is_empty() {
            octets.extend_from_slice(literal);
            octets.extend_from_slice(b"\r\n");
        }
        self.lines.send(&octets)?;
        let mut answer = Answer::default();
        loop {
            let response = self.response()?;
            if let Some(text) = response.text.strip_prefix(&tag) {
                answer.tagged = text.to_owned();
                return Ok(answer);
            }
            if response.text.starts_with("* BYE") {
                return Err(Lost(response.text));
            }
            answer.untagged.push(response);
        }
    }

    fn response(&mut self) -> Result<Response, Lost> {
        let mut response = Response::default();
        loop {
            let line = self.lines.line()?;
            let literal = line
                .strip_suffix('}')
                .and_then(|line| line.rsplit_once('{'));
            let size = literal.and_then(|(text, size)| Some((text, size.parse().ok()?)));
            let Some((text, size)) = size else {
                response.text.push_str(&line);
                return Ok(response);
            };
            response.text.push_str(text);
            response.literals.push(self.lines.octets(size)?);
        }
    }

    /// SELECT.
    pub fn select(&mut self, folder: &str) -> Result<Selected, Lost> {
        let answer = self.command(&format!("SELECT {folder}"))?;
        let number = |name| {
            let missing = || Lost(format!("SELECT {folder}: no {name}: {}", answer.tagged));
            answer.number(name).ok_or_else(missing)
        };
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Selected {
            uid_validity: small(number("UIDVALIDITY")?),
            uid_next: small(number("UIDNEXT")?),
            highest: number("HIGHESTMODSEQ")?,
            exists: answer.exists().unwrap_or(0),
        })
    }

    /// The names of all folders.
    pub fn folders(&mut self) -> Result<Vec<String>, Lost> {
        let answer = self.command("LIST \"\" *")?;
        let name = |one: &Response| {
            let name = one.text.strip_prefix("* LIST ")?.rsplit_once(' ')?.1;
            Some(name.trim_matches('"').to_owned())
        };
        Ok(answer.untagged.iter().filter_map(name).collect())
    }
}

/// The numbers of a set such as `3:5,9`.
pub fn numbers(set: &str) -> Vec<u32> {
    let mut all = Vec::new();
    for part in set.split(',') {
        let (from, to) = part.split_once(':').unwrap_or((part, part));
        let bounds = (from.trim().parse::<u32>(), to.trim().parse::<u32>());
        if let (Ok(from), Ok(to)) = bounds {
            all.extend(from.min(to)..=from.max(to));
        }
    }
    all
}
