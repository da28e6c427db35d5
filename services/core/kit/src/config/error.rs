//! How a mistake in the configuration is told.

use std::fmt;
use std::path::{Path, PathBuf};

/// A mistake in the configuration: `FILE:LINE: key: what is wrong and what was expected`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file that holds the mistake.
    pub file: PathBuf,
    /// The line in it, from 1, where known.
    pub line: Option<usize>,
    /// The dotted key, where known.
    pub key: Option<String>,
    /// What is wrong, and what was expected.
    pub problem: String,
}

impl ConfigError {
    /// A mistake that has no key, such as a file that cannot be read.
    pub(super) fn of_file(file: &Path, problem: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            key: None,
            problem: problem.into(),
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// What a [`Settings::check`](super::Settings::check) found wrong in its own table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The key inside the daemon's table, dotted.
    pub key: String,
    /// What is wrong, and what was expected.
    pub problem: String,
}

impl Wrong {
    /// `key` is wrong because of `problem`.
    pub fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            problem: problem.into(),
        }
    }
}

/// What serde said, in the administrator's words, and the key that it adds to the path.
pub(super) struct Explained {
    pub(super) key: Option<String>,
    pub(super) problem: String,
}

/// Turns a message of serde into one that says what to write instead.
pub(super) fn explain(message: &str) -> Explained {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field ") {
        let (key, known) = quoted.split_first().unwrap_or((&"", &[]));
        return Explained {
            key: Some((*key).to_owned()),
            problem: unknown("key", key, known),
        };
    }
    if message.starts_with("unknown variant ") {
        let (value, known) = quoted.split_first().unwrap_or((&"", &[]));
        return Explained {
            key: None,
            problem: format!("\"{value}\": {}", unknown("value", value, known)),
        };
    }
    if message.starts_with("missing field ") {
        return Explained {
            key: quoted.first().map(|key| (*key).to_owned()),
            problem: "is missing and has no default".to_owned(),
        };
    }
    let problem = match message.split_once(", expected ") {
        Some((found, expected)) => {
            let found = found
                .trim_start_matches("invalid type: ")
                .trim_start_matches("invalid value: ");
            format!("expected {expected}, found {found}")
        }
        None => message.to_owned(),
    };
    Explained { key: None, problem }
}

/// `unknown key, did you mean "imap"?`, or the list of known ones where nothing is near.
pub(super) fn unknown(what: &str, given: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(given, known), *known))
        .min()
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3).max(1));
    match nearest {
        Some((_, name)) => format!("unknown {what}, did you mean \"{name}\"?"),
        None if known.is_empty() => format!("unknown {what}, none is expected here"),
        None => format!("unknown {what}, known are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_messages_become_advice() {
        let table = [
            (
                "unknown field `imao`, expected one of `imap`, `lmtp`",
                Some("imao"),
                "unknown key, did you mean \"imap\"?",
            ),
            (
                "unknown field `colour`, expected `imap` or `lmtp`",
                Some("colour"),
                "unknown key, known are imap, lmtp",
            ),
            (
                "missing field `url`",
                Some("url"),
                "is missing and has no default",
            ),
            (
                "invalid type: integer `5`, expected a size such as \"50 MB\"",
                None,
                "expected a size such as \"50 MB\", found integer `5`",
            ),
            (
                "unknown variant `1.4`, expected `1.2` or `1.3`",
                None,
                "\"1.4\": unknown value, did you mean \"1.2\"?",
            ),
        ];
        for (message, key, problem) in table {
            let explained = explain(message);
            assert_eq!(
                (explained.key.as_deref(), explained.problem.as_str()),
                (key, problem),
                "{message}"
            );
        }
    }
}
