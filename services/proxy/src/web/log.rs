//! The access log: one line a request, written when its answer ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode, Version};
use roost_kit::clock::Clock;
use roost_kit::fields::{self, Escaped};

use super::guard::Line;
use crate::metrics::{Counts, RequestLabel};

/// One request, from its head on.
pub(super) struct Entry {
    line: Arc<Line>,
    clock: Clock,
    counts: Counts,
    begun: Instant,
    method: Method,
    version: Version,
    host: Option<HeaderValue>,
    agent: Option<HeaderValue>,
    /// Without the query, which can carry a token.
    path: String,
    /// What served it.
    by: Arc<str>,
    status: StatusCode,
    octets: u64,
    how: How,
}

enum How {
    /// The answer did not end.
    CutOff,
    Whole,
    Broke(String),
}

impl Entry {
    /// A request that has arrived.
    pub(super) fn begin(line: Arc<Line>, clock: &Clock, counts: &Counts, head: &Parts) -> Self {
        line.requests.fetch_add(1, Ordering::Relaxed);
        line.running.fetch_add(1, Ordering::Relaxed);
        Self {
            line,
            begun: clock.instant(),
            clock: clock.clone(),
            counts: counts.clone(),
            method: head.method.clone(),
            version: head.version,
            host: match head.uri.authority() {
                Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
                None => head.headers.get(HOST).cloned(),
            },
            agent: head.headers.get(USER_AGENT).cloned(),
            path: head.uri.path().to_owned(),
            by: Arc::from("proxy"),
            status: StatusCode::INTERNAL_SERVER_ERROR,
            octets: 0,
            how: How::CutOff,
        }
    }

    /// What answers, and how.
    pub(super) fn answered(&mut self, by: Arc<str>, status: StatusCode, has_body: bool) {
        self.by = by;
        self.status = status;
        if !has_body || self.method == Method::HEAD {
            self.how = How::Whole;
        }
    }

    pub(super) fn sent(&mut self, octets: u64) {
        self.octets += octets;
    }

    pub(super) fn is_whole(&mut self) {
        self.how = How::Whole;
    }

    pub(super) fn broke(&mut self, error: &super::page::Trouble) {
        self.how = How::Broke(error.to_string());
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.line.running.fetch_sub(1, Ordering::Relaxed);
        let took = self.clock.instant().saturating_duration_since(self.begun);
        let label = RequestLabel::of(self.status);
        self.counts.requests.get_or_create(&label).inc();
        self.counts.request_time.observe(took.as_secs_f64());
        let text = |value: &Option<HeaderValue>| {
            Escaped(value.as_ref().map_or(&b""[..], |value| value.as_bytes())).to_string()
        };
        tracing::info!(
            { fields::SERVICE } = "web",
            { fields::SESSION } = %self.line.id,
            { fields::PEER } = %self.line.peer,
            request = format!(
                "{} {}://{}{} {:?}",
                self.method,
                if self.line.secure { "https" } else { "http" },
                text(&self.host),
                Escaped(self.path.as_bytes()),
                self.version
            ),
            status = self.status.as_u16(),
            octets_out = self.octets,
            agent = text(&self.agent),
            by = &*self.by,
            took_ms = took.as_millis(),
            how = match &self.how {
                How::CutOff => "the client hung up",
                How::Whole => "whole",
                How::Broke(error) => error,
            },
            "request"
        );
    }
}
