//! How much trouble a session takes from its client.

use std::time::Duration;

use crate::limits::{
    IDLE_COMMANDS_MAX, LOGIN_DELAY, LOGINS_FAILED_MAX, MISTAKE_DELAY, MISTAKES_FREE, MISTAKES_MAX,
    REFUSED_RECIPIENTS_MAX,
};

/// Counts what a client does wrong.
#[derive(Debug, Default)]
pub(super) struct Patience {
    mistakes: u32,
    idle_commands: u32,
    refused_recipients: u32,
    failed_logins: u32,
}

/// What one more wrong thing leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    Slow(Duration),
    Stop,
}

impl Patience {
    pub(super) fn mistake(&mut self) -> Verdict {
        self.mistakes += 1;
        if self.mistakes <= MISTAKES_FREE {
            Verdict::Go
        } else if self.mistakes <= MISTAKES_MAX {
            Verdict::Slow(MISTAKE_DELAY)
        } else {
            Verdict::Stop
        }
    }

    pub(super) fn idle_command(&mut self) -> Verdict {
        self.idle_commands += 1;
        stop_past(self.idle_commands, IDLE_COMMANDS_MAX)
    }

    pub(super) fn refused_recipient(&mut self) -> Verdict {
        self.refused_recipients += 1;
        stop_past(self.refused_recipients, REFUSED_RECIPIENTS_MAX)
    }

    pub(super) fn failed_login(&mut self) -> Verdict {
        self.failed_logins += 1;
        match self.failed_logins {
            ..=LOGINS_FAILED_MAX => Verdict::Slow(LOGIN_DELAY * (1 << (self.failed_logins - 1))),
            _ => Verdict::Stop,
        }
    }

    /// A message was taken: the client does real work.
    pub(super) fn message(&mut self) {
        self.idle_commands = 0;
    }
}

fn stop_past(count: u32, max: u32) -> Verdict {
    match count > max {
        true => Verdict::Stop,
        false => Verdict::Go,
    }
}
