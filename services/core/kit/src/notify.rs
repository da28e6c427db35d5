//! What systemd is told: readiness, status, reload, stop, and that we live.
//!
//! Nobody may be listening (a terminal, a container): then nothing is said. A message that cannot
//! be delivered never fails the daemon, since an empty `NOTIFY_SOCKET` alone would.

use std::time::Duration;

use sd_notify::NotifyState;

/// The line to systemd; cheap to copy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notifier(());

impl Notifier {
    /// A line to whoever `NOTIFY_SOCKET` names.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }

    /// The daemon serves.
    pub fn ready(self) {
        send(&[NotifyState::Ready]);
    }

    /// One line for `systemctl status`.
    pub fn status(self, text: &str) {
        send(&[NotifyState::Status(text)]);
    }

    /// Configuration and certificates are being read again; [`Notifier::ready`] ends it.
    pub fn reloading(self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => send(&[NotifyState::Reloading, now]),
            Err(error) => {
                tracing::debug!(%error, "the monotonic clock cannot be read");
                send(&[NotifyState::Reloading]);
            }
        }
    }

    /// The start takes longer than systemd expects; it is given so much time more, from now on.
    pub fn extend_timeout(self, more: Duration) {
        let micros = u32::try_from(more.as_micros()).unwrap_or(u32::MAX);
        send(&[NotifyState::ExtendTimeoutUsec(micros)]);
    }

    /// Another process is the daemon from now on.
    pub fn main_process(self, pid: u32) {
        send(&[NotifyState::MainPid(pid)]);
    }

    /// The daemon drains.
    pub fn stopping(self) {
        send(&[NotifyState::Stopping]);
    }

    /// The daemon lives.
    pub fn watchdog(self) {
        send(&[NotifyState::Watchdog]);
    }

    /// How often [`Notifier::watchdog`] must be called: half of what systemd allows, as
    /// `sd_watchdog_enabled(3)` advises. None where systemd does not watch.
    #[must_use]
    pub fn watchdog_period(self) -> Option<Duration> {
        sd_notify::watchdog_enabled().map(|allowed| allowed / 2)
    }
}

fn send(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd cannot be told");
    }
}
