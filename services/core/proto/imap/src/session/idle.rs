//! IDLE (RFC 2177), and what the passing of time does.

use std::time::Instant;

use super::reply::{Ending, text};
use super::tell::print;
use super::view::Expunges;
use super::{Mode, Next, Session, State};
use crate::backend::{Backend, Mailboxes};
use crate::frame::Raw;
use crate::grammar::{Condition, Response, Tag};
use crate::limits::{KEEPALIVE, LOGIN_TIMEOUTS};
use crate::out::Out;

impl<B: Backend> Session<B> {
    pub(super) fn idle(&mut self, now: Instant, tag: Tag, out: &mut Out) {
        print(out, &Response::Continue("idling".into()));
        self.mode = Mode::Idle {
            tag,
            since: now,
            told: now,
        };
    }

    pub(super) async fn idle_line(&mut self, tag: Tag, raw: &Raw) {
        let outcome = match raw.text.trim_ascii().eq_ignore_ascii_case(b"DONE") {
            true => Ok(Ending::ok(text::DONE)),
            false => Err(Ending::bad(text::IDLE_DONE)),
        };
        self.finish(tag, outcome, Expunges::Told).await;
    }

    /// Whether the client idles.
    #[must_use]
    pub fn is_idling(&self) -> bool {
        matches!(self.mode, Mode::Idle { .. })
    }

    /// Resolves when the client idles on a mailbox that may have changed; never otherwise. Then
    /// [`Session::change`] wants to be called. Safe to cancel.
    pub async fn changed(&self) {
        match (&self.mode, &self.state) {
            (Mode::Idle { .. }, State::Selected(home, view)) => home.changed(&view.current).await,
            _ => std::future::pending().await,
        }
    }

    /// Tells an idling client what has changed.
    pub async fn change(&mut self, now: Instant, out: &mut Out) -> Next {
        if self.is_idling() && self.job.is_none() {
            let telling = self.news(Expunges::Told, None).await;
            self.tell(telling, None);
            if let Mode::Idle { told, .. } = &mut self.mode {
                *told = now;
            }
        }
        self.resume(out).await
    }

    /// When [`Session::timeout`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        let limits = &self.settings.limits;
        match (&self.mode, &self.state) {
            (Mode::Idle { since, told, .. }, _) => {
                (*told + KEEPALIVE).min(*since + limits.idle_timeout)
            }
            // However busy it seems, a stranger has a few times as long to log in, and no longer.
            (_, State::Stranger) => (self.active + limits.login_timeout)
                .min(self.started + limits.login_timeout * LOGIN_TIMEOUTS),
            _ => self.active + limits.idle_timeout,
        }
    }

    /// Does what is due: a line that keeps the way open during IDLE, or the end of a silent session.
    pub fn timeout(&mut self, now: Instant, out: &mut Out) -> Next {
        if now < self.deadline() {
            return Next::Read;
        }
        let limit = self.settings.limits.idle_timeout;
        match &mut self.mode {
            Mode::Idle { since, told, .. } if now < *since + limit => {
                *told = now;
                print(
                    out,
                    &Response::untagged(Condition::Ok, None, text::STILL_HERE),
                );
                Next::Read
            }
            _ => self.bye(text::TIMEOUT, out),
        }
    }
}
