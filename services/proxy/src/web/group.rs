//! Upstreams that an administrator names: several servers, looked after.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::header::HOST;
use hyper::{Method, Request};
use roost_kit::config::ListenSpec;
use roost_kit::tasks::Tasks;
use tokio::time::{MissedTickBehavior, interval};

use super::body::Upload;
use super::pool::{Place, Pool};
use crate::config::Upstream;

/// How often servers are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long one may take to answer that it is well.
const LOOK_TIME_MAX: Duration = Duration::from_secs(2);

/// One upstream.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: Arc<str>,
    /// Paths that belong to it, by their beginnings.
    paths: Vec<String>,
    /// What is asked for to see whether a server is well.
    health: Option<String>,
    pub(crate) servers: Vec<Arc<Server>>,
    turn: AtomicUsize,
}

/// One of its servers.
#[derive(Debug)]
pub(crate) struct Server {
    pub(super) place: Place,
    well: AtomicBool,
    draining: AtomicBool,
    running: AtomicUsize,
}

/// A request at a server, until it is dropped.
#[derive(Debug)]
pub(super) struct Running(Arc<Server>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    /// Where it is.
    pub(crate) const fn at(&self) -> &ListenSpec {
        &self.place.at
    }

    /// Whether it answers.
    pub(crate) fn is_well(&self) -> bool {
        self.well.load(Ordering::Relaxed)
    }

    /// Whether it gets no new requests by an administrator's word.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Gives it no new requests any more, or again.
    pub(crate) fn drain(&self, draining: bool) {
        self.draining.store(draining, Ordering::Relaxed);
    }

    /// Requests that it is answering.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Notes whether it answers; logs a change.
    pub(super) fn note(&self, well: bool) {
        if self.well.swap(well, Ordering::Relaxed) != well {
            let state = if well {
                "answers again"
            } else {
                "does not answer"
            };
            tracing::warn!(server = %self.place.at, "an upstream's server {state}");
        }
    }

    pub(super) fn begin(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }
}

impl Group {
    pub(super) fn new(name: &str, settings: &Upstream) -> Self {
        let secured_for: Option<Arc<str>> = settings.tls_name.as_deref().map(Arc::from);
        let server = |at: &ListenSpec| {
            Arc::new(Server {
                place: Place {
                    at: at.clone(),
                    secured_for: secured_for.clone(),
                },
                well: AtomicBool::new(true),
                draining: AtomicBool::new(false),
                running: AtomicUsize::new(0),
            })
        };
        Self {
            name: Arc::from(name),
            paths: settings.paths.clone(),
            health: settings.health.clone(),
            servers: settings.servers.iter().map(server).collect(),
            turn: AtomicUsize::new(0),
        }
    }

    /// How long a beginning of its own the path has, if it belongs here.
    pub(super) fn claims(&self, path: &str) -> Option<usize> {
        let fitting = |own: &&String| {
            path.strip_prefix(own.as_str())
                .is_some_and(|rest| own.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
        };
        self.paths.iter().filter(fitting).map(String::len).max()
    }

    /// The server that has least to do of those that are well, each in its turn; nothing where none
    /// is. Those in `tried` come last.
    pub(super) fn pick(&self, tried: &[Place]) -> Option<Arc<Server>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.servers.len().max(1);
        let (before, after) = self.servers.split_at(turn % count);
        let fit = |server: &&Arc<Server>| server.is_well() && !server.is_draining();
        after
            .iter()
            .chain(before)
            .filter(fit)
            .min_by_key(|server| (tried.contains(&server.place), server.running()))
            .cloned()
    }

    /// Looks after the servers until the daemon stops.
    pub(super) fn look_after(self: &Arc<Self>, pool: &Pool, tasks: &Tasks) {
        let Some(health) = self.health.clone() else {
            return;
        };
        let (group, pool, stopping) = (Arc::clone(self), pool.clone(), tasks.leaving());
        tasks.spawn("upstream", async move {
            let mut ticks = interval(LOOK_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                // Cancel-safe: a look that is cut short is not needed any more.
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = async {
                        ticks.tick().await;
                        for server in &group.servers {
                            let looking = look(&pool, &server.place, &health);
                            let well = tokio::time::timeout(LOOK_TIME_MAX, looking).await;
                            server.note(well.unwrap_or(false));
                        }
                    } => {}
                }
            }
        });
    }
}

/// Whether a server says that it is well.
async fn look(pool: &Pool, place: &Place, health: &str) -> bool {
    let request = Request::builder()
        .method(Method::GET)
        .uri(health)
        .header(HOST, place.at.to_string())
        .body(Upload::none());
    let (Ok(request), Ok(mut lent)) = (request, pool.lend(place).await) else {
        return false;
    };
    let Ok(response) = lent.sender.try_send_request(request).await else {
        return false;
    };
    let status = response.status();
    // Read, so that the server is not cut off in the middle of its answer; the time is limited.
    let whole = response.into_body().collect().await.is_ok();
    whole && (status.is_success() || status.is_redirection())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> Group {
        let settings = Upstream {
            paths: vec!["/admin".to_owned(), "/admin/api/".to_owned()],
            servers: vec![
                "127.0.0.1:1".parse().unwrap(),
                "127.0.0.1:2".parse().unwrap(),
            ],
            ..Upstream::default()
        };
        Group::new("admin", &settings)
    }

    #[test]
    fn a_path_belongs_by_whole_segments() {
        let group = group();
        for (path, claimed) in [
            ("/admin", Some(6)),
            ("/admin/", Some(6)),
            ("/administrator", None),
            ("/admin/api/x", Some(11)),
            ("/", None),
        ] {
            assert_eq!(group.claims(path), claimed, "{path}");
        }
    }

    #[test]
    fn the_idlest_well_server_is_picked() {
        let group = group();
        let [one, two] = [0, 1].map(|index| Arc::clone(&group.servers[index]));
        let busy = one.begin();
        for _ in 0..4 {
            assert_eq!(group.pick(&[]).unwrap().at(), two.at());
        }
        assert_eq!(
            group.pick(std::slice::from_ref(&two.place)).unwrap().at(),
            one.at()
        );
        two.drain(true);
        assert_eq!(group.pick(&[]).unwrap().at(), one.at());
        one.note(false);
        assert!(group.pick(&[]).is_none());
        drop(busy);
        assert_eq!(one.running(), 0);
    }
}
