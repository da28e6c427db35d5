//! How a command fails: what, on what, why, next.

use std::fmt;
use std::process::ExitCode;

use roost_kit::config::ConfigError;
use roost_kit::control::ClientError;
use roost_kit::fields::Chain;
use serde_json::json;

/// What the caller's script sees. The numbers are those of sysexits.h where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It could not be done.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A check found problems.
    Problems = 3,
    /// A daemon does not answer.
    Unreachable = 69,
    /// It may work later.
    TryAgain = 75,
    /// The caller may not.
    NotAllowed = 77,
    /// The configuration has a mistake.
    Configuration = 78,
    /// Somebody pressed Ctrl-C: 128 and the signal's number, as shells have it.
    Interrupted = 130,
}

/// An error for people, and the same for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// A stable name for scripts.
    code: String,
    /// What could not be done, on what, and why.
    message: String,
    similar: Vec<String>,
    next: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.into(),
            message: message.into(),
            similar: Vec::new(),
            next: Vec::new(),
        }
    }

    /// It could not be done.
    pub(crate) fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, code, message)
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// The system refused something.
    pub(crate) fn io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        let exit = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Exit::NotAllowed,
            _ => Exit::Failed,
        };
        Self::new(exit, "io", format!("{what}: {error}"))
    }

    /// Something else that went wrong, with its causes.
    pub(crate) fn because(
        exit: Exit,
        code: &str,
        what: impl fmt::Display,
        error: &(dyn std::error::Error + 'static),
    ) -> Self {
        Self::new(exit, code, format!("{what}: {}", Chain(error)))
    }

    /// Adds a command or an action that may help.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next.push(next.into());
        self
    }

    /// Adds the name that was perhaps meant.
    pub(crate) fn similar(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.similar.extend(names);
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("roostctl: {}", self.message);
        if !self.similar.is_empty() {
            text.push_str(&format!("\nsimilar: {}", self.similar.join(", ")));
        }
        for next in &self.next {
            text.push_str(&format!("\nnext: {next}"));
        }
        text
    }

    /// For scripts.
    pub(crate) fn json(&self) -> serde_json::Value {
        json!({"error": {
            "code": self.code,
            "message": self.message,
            "similar": self.similar,
            "next": self.next,
        }})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let missing = error.line.is_none() && error.key.is_none();
        let failure = Self::new(Exit::Configuration, "configuration", error.to_string());
        match missing {
            true => failure
                .next("name the file: roostctl --config FILE …, or set ROOST_CONFIG")
                .next("to try Roost on this machine: roostctl dev"),
            false => failure,
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match &error {
            ClientError::Unreachable { .. } => Exit::Unreachable,
            ClientError::NotAllowed { .. } => Exit::NotAllowed,
            ClientError::TimedOut { .. } => Exit::TryAgain,
            ClientError::Broken { .. } | ClientError::Strange { .. } => Exit::Failed,
            ClientError::Failed(refusal) => {
                let failure = Self::failed(&refusal.code, refusal.message.clone());
                return match &refusal.next {
                    Some(next) => failure.next(next.clone()),
                    None => failure,
                };
            }
        };
        let failure = Self::new(exit, "daemon", Chain(&error).to_string());
        match exit {
            Exit::Unreachable => failure.next("roostctl status"),
            _ => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_similar_and_next() {
        let failure = Failure::failed(
            "domain_not_found",
            "cannot create bob@exmaple.com: no domain exmaple.com",
        )
        .similar(["example.com".to_owned()])
        .next("roostctl domain create exmaple.com");
        assert_eq!(
            failure.text(),
            "roostctl: cannot create bob@exmaple.com: no domain exmaple.com\n\
             similar: example.com\nnext: roostctl domain create exmaple.com"
        );
        assert_eq!(failure.json()["error"]["code"], "domain_not_found");
    }
}
