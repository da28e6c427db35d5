//! Where log lines go: as structured fields to the journal when systemd started us, else as
//! readable lines to standard error. `[log] socket` has them passed on to a logger as well.
//!
//! The level comes from `[log] level`; the variable `ROOST_LOG` (same grammar as `RUST_LOG`)
//! overrides it. Both can change at a reload.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::os::linux::fs::MetadataExt;

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

use crate::clock::Clock;
use crate::config::LogSettings;

mod forward;

pub use forward::Forwarded;

/// The variable that overrides the configured level.
pub const VARIABLE: &str = "ROOST_LOG";

/// Why logging could not start or change.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level cannot be read.
    #[error(
        "expected a level such as \"info\" or \"info,roost_store::imap=debug\", found \"{level}\""
    )]
    Level {
        /// What was given.
        level: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// No thread can be had for passing lines on.
    #[error("cannot pass log lines on")]
    Forward(#[source] io::Error),
    /// Somebody else has set up logging in this process.
    #[error("logging is set up already")]
    Twice,
}

/// A handle on the running log, which can change its level.
#[derive(Debug, Clone)]
pub struct Log(reload::Handle<EnvFilter, Registry>);

impl Log {
    /// Starts logging for this process. `identifier` is the daemon's name, `host` the node's.
    pub fn start(
        identifier: &'static str,
        host: &str,
        settings: &LogSettings,
        clock: &Clock,
    ) -> Result<Self, LogError> {
        let (filter, handle) = reload::Layer::new(filter(&settings.level)?);
        let forward = settings
            .socket
            .as_deref()
            .map(|socket| forward::Forward::start(identifier, host, socket, clock.clone()))
            .transpose()
            .map_err(LogError::Forward)?;
        let registry = tracing_subscriber::registry().with(filter).with(forward);
        let journal = stderr_is_the_journal()
            .then(tracing_journald::layer)
            .and_then(Result::ok);
        let started = match journal {
            // Without a prefix fields are named as `kit::fields` says.
            Some(layer) => registry
                .with(
                    layer
                        .with_field_prefix(None)
                        .with_syslog_identifier(identifier.to_owned()),
                )
                .try_init(),
            None => registry.with(text(clock)).try_init(),
        };
        started.map_err(|_| LogError::Twice)?;
        Ok(Self(handle))
    }

    /// Changes what is logged.
    pub fn set_level(&self, level: &str) -> Result<(), LogError> {
        self.0.reload(filter(level)?).map_err(|_| LogError::Twice)
    }
}

/// Whether a level can be read; for `--check`.
pub(crate) fn check_level(level: &str) -> Result<(), LogError> {
    EnvFilter::try_new(level)
        .map(drop)
        .map_err(|source| LogError::Level {
            level: level.to_owned(),
            source,
        })
}

fn filter(level: &str) -> Result<EnvFilter, LogError> {
    let overriding = std::env::var(VARIABLE)
        .ok()
        .filter(|level| !level.is_empty());
    let level = overriding.as_deref().unwrap_or(level);
    EnvFilter::try_new(level).map_err(|source| LogError::Level {
        level: level.to_owned(),
        source,
    })
}

fn text<S>(clock: &Clock) -> impl Layer<S> + use<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_timer(Stamp(clock.clone()))
        .with_target(true)
}

/// Systemd names the journal's socket as `DEVICE:INODE` in `JOURNAL_STREAM`; standard error may
/// have been redirected since, so it is compared (systemd.exec(5)).
fn stderr_is_the_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    let Ok(stderr) = std::fs::metadata("/dev/stderr") else {
        return false;
    };
    stream == format!("{}:{}", stderr.st_dev(), stderr.st_ino())
}

struct Stamp(Clock);

impl FormatTime for Stamp {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{:.3}", self.0.now())
    }
}

/// Logs panics through `tracing`, so that they reach the journal with the daemon's other lines.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(at, panic = panic.payload_as_str(), "panic");
    }));
}

/// One line on standard error before logging runs; nobody can be told when that fails.
pub(crate) fn say(line: impl fmt::Display) {
    drop(writeln!(io::stderr(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_or_refused() {
        check_level("info,roost_store::imap=debug").unwrap();
        assert!(check_level("info,roost_store=loud").is_err());
    }
}
