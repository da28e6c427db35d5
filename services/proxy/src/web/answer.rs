//! What a request gets.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use roost_core_directory::client::Unavailable;
use roost_core_directory::model::Account;
use roost_kit::fields::{self, Chain};

use super::Web;
use super::body::{Ended, Told, Upload};
use super::destination::{Destination, User, destination};
use super::forward::{Answered, NoAnswer, Way};
use super::guard::Line;
use super::headers::{has_been_here, prepare, without_hop_by_hop};
use super::limits::TARGET_MAX;
use super::log::Entry;
use super::page::{Payload, moved, not_allowed, nothing, page, who_are_you};
use super::pool::{Download, Place};
use super::tunnel::{self, Wish};
use crate::route::{NoRoute, Wanted};

/// A way to a store, and for whom.
type Led = (Way, Option<Arc<Account>>);
/// An answer, what made it, and what nobody has read of the request.
type Made = (Response<Payload>, Arc<str>, Option<Incoming>);

impl Web {
    /// Answers one request. Whatever happens, there is an answer.
    pub(super) async fn answer(
        &self,
        line: &Arc<Line>,
        request: Request<Incoming>,
    ) -> Response<Told> {
        let (head, body) = request.into_parts();
        let entry = Entry::begin(
            Arc::clone(line),
            &self.porter.clock,
            &self.porter.counts,
            &head,
        );
        let mut entry = entry;
        let (mut response, by, unread) = match self.refusal(&head, &body) {
            Some(refusal) => (refusal, Arc::from("proxy"), Some(body)),
            None if !line.secure => (self.to_https(&head), Arc::from("proxy"), Some(body)),
            None => Box::pin(self.serve_request(line, head, body)).await,
        };
        self.protection.put(response.headers_mut(), line.secure);
        let (head, payload) = response.into_parts();
        entry.answered(by, head.status, !payload.is_end_stream());
        Response::from_parts(head, Told::new(payload, entry, unread))
    }

    /// What is wrong with a request, whomever it concerns.
    fn refusal(&self, head: &Parts, body: &Incoming) -> Option<Response<Payload>> {
        let path = head
            .uri
            .path_and_query()
            .map_or(0, |path| path.as_str().len());
        if path > TARGET_MAX {
            return Some(page(StatusCode::URI_TOO_LONG, "The address is too long."));
        }
        let hosts = head.headers.get_all(HOST).iter().count();
        // RFC 9112 §3.2: exactly one; RFC 9113 §8.3.1 has it in the target.
        let wanted = match (head.version, head.uri.authority()) {
            (_, Some(_)) => hosts <= 1,
            (Version::HTTP_11, None) => hosts == 1,
            _ => hosts <= 1,
        };
        if !wanted {
            let sentence = "The request does not say which host it is for.";
            return Some(page(StatusCode::BAD_REQUEST, sentence));
        }
        let is_tunnel = head.version == Version::HTTP_2
            && head.extensions.get::<hyper::ext::Protocol>().is_some();
        if head.method == Method::TRACE || (head.method == Method::CONNECT && !is_tunnel) {
            return Some(not_allowed("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
        }
        if has_been_here(&head.headers, &self.pseudonym) {
            let sentence = "The request has been here before.";
            return Some(page(StatusCode::LOOP_DETECTED, sentence));
        }
        let declared = body.size_hint().lower();
        if declared > self.settings.upload_max.as_u64() {
            return Some(too_large());
        }
        None
    }

    /// RFC 9110 §15.4.9: the same request, at the right place.
    fn to_https(&self, head: &Parts) -> Response<Payload> {
        let host = match head.uri.authority() {
            Some(authority) => authority.host(),
            None => {
                let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
                without_port(host.unwrap_or_default())
            }
        };
        if host.is_empty() {
            let sentence = "The request does not say which host it is for.";
            return page(StatusCode::BAD_REQUEST, sentence);
        }
        let port = self
            .https_port
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        let path = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        moved(
            StatusCode::PERMANENT_REDIRECT,
            &format!("https://{host}{port}{path}"),
        )
    }

    async fn serve_request(&self, line: &Arc<Line>, head: Parts, body: Incoming) -> Made {
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        let own = |response, body| (response, Arc::from("proxy"), Some(body));
        let claimed = self
            .groups
            .iter()
            .filter_map(|group| Some((group.claims(path)?, group)));
        if let Some((_, group)) = claimed.max_by_key(|(length, _)| *length) {
            let way = Way::Group(Arc::clone(group));
            let by = Arc::clone(&group.name);
            let (response, unread) = self.hand_on(line, head, body, &way).await;
            return (response, by, unread);
        }
        let user = match destination(path, query, &head.headers) {
            Destination::Moved(place) => {
                return own(moved(StatusCode::MOVED_PERMANENTLY, place), body);
            }
            Destination::Anonymous => return own(who_are_you(), body),
            Destination::AnyStore => None,
            Destination::Store(user) => Some(user),
            Destination::File => {
                let response = match &self.files {
                    Some(files) => files.answer(&head).await,
                    None => page(StatusCode::NOT_FOUND, "There is no such page."),
                };
                return (response, Arc::from("files"), Some(body));
            }
        };
        let way = match user {
            Some(user) => self.way_of(&user, &head).await,
            None => Ok(self.any_store(line).map(|way| (way, None))),
        };
        let (way, account) = match way {
            Ok(Some(way)) => way,
            Ok(None) => {
                let sentence = "The server has no web interface for this.";
                return own(page(StatusCode::NOT_FOUND, sentence), body);
            }
            Err(error) => {
                tracing::warn!({ fields::ERROR } = %Chain(&error), "a store cannot be looked up");
                let sentence = "It cannot be looked up where this is; please try again.";
                return own(page(StatusCode::SERVICE_UNAVAILABLE, sentence), body);
            }
        };
        let by = match &way {
            Way::Store { name, .. } => Arc::clone(name),
            Way::Group(group) => Arc::clone(&group.name),
        };
        let with_password = head.headers.contains_key(AUTHORIZATION);
        let (response, unread) = self.hand_on(line, head, body, &way).await;
        match (response.status(), account) {
            (StatusCode::UNAUTHORIZED, _) if with_password => self.note_failure(line).await,
            (StatusCode::SERVICE_UNAVAILABLE, Some(account)) => {
                // It may have been a route that others had found before the store moved.
                let shared = self.porter.upstream.routes.shared_routes();
                shared.forget(account.id, &account.name.to_string()).await;
            }
            _ => {}
        }
        (response, by, unread)
    }

    /// A store has refused a password: it counts as one that was refused here.
    async fn note_failure(&self, line: &Line) {
        if let Some(address) = line.peer.ip()
            && self.porter.bans.punish(address).await
        {
            tracing::warn!({ fields::PEER } = %address, "shut out: too many failed logins");
        }
    }

    /// The way to a user's store; nothing where there is no such user, or no web interface.
    async fn way_of(&self, user: &User, head: &Parts) -> Result<Option<Led>, NoRoute> {
        let Some(account) = self.account(user, head).await? else {
            return Ok(None);
        };
        let route = match self.porter.upstream.routes.to(&account, Wanted::Web).await {
            Ok(route) => route,
            Err(NoRoute::Nowhere | NoRoute::NoPlace { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let secured_for = route.tls.then(|| Arc::from(route.host));
        let place = |at| Place {
            at,
            secured_for: secured_for.clone(),
        };
        let way = Way::Store {
            name: Arc::from(route.store),
            places: route.places.into_iter().map(place).collect(),
        };
        Ok(Some((way, Some(account))))
    }

    async fn account(
        &self,
        user: &User,
        head: &Parts,
    ) -> Result<Option<Arc<Account>>, Unavailable> {
        let directory = &self.porter.upstream.directory;
        let name = match user {
            User::Id(id) => return directory.account_by_id(*id).await,
            User::Name(name) => name,
        };
        if name.contains('@') {
            return directory.account_of_login(name).await;
        }
        let host = match head.uri.authority() {
            Some(authority) => Some(authority.host()),
            None => {
                let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
                host.map(without_port)
            }
        };
        let domain = match host {
            Some(host) => directory.domain_by_virtual_host(host).await?,
            None => None,
        };
        match domain {
            Some(domain) => {
                directory
                    .account_of_login(&format!("{name}@{}", domain.name))
                    .await
            }
            None => directory.account_of_login(name).await,
        }
    }

    /// Some store with a web interface, the same for one client as long as they are the same.
    fn any_store(&self, line: &Line) -> Option<Way> {
        let ways = self.porter.upstream.routes.web_stores();
        let key = line.peer.ip().map_or(0, |address| match address {
            std::net::IpAddr::V4(address) => u64::from(address.to_bits()),
            std::net::IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
        });
        let count = ways.len() as u64;
        let chosen = key.checked_rem(count)? as usize;
        ways.into_iter().nth(chosen).map(|route| {
            let secured_for: Option<Arc<str>> = route.tls.then(|| Arc::from(route.host));
            let places = route.places.into_iter().map(|at| Place {
                at,
                secured_for: secured_for.clone(),
            });
            Way::Store {
                name: Arc::from(route.store),
                places: places.collect(),
            }
        })
    }

    async fn hand_on(
        &self,
        line: &Arc<Line>,
        mut head: Parts,
        body: Incoming,
        way: &Way,
    ) -> (Response<Payload>, Option<Incoming>) {
        let wish = tunnel::wish(&mut head);
        let is_head = head.method == Method::HEAD;
        prepare(&mut head, line.peer, line.secure, &self.pseudonym);
        head.uri = origin_form(&head.uri);
        head.version = Version::HTTP_11;
        let body = match &wish {
            Some(wish) => {
                wish.tell(&mut head);
                Upload::none()
            }
            None => {
                let most = self.settings.upload_max.as_u64();
                Upload::new(body, most, self.settings.upload_patience.duration())
            }
        };
        let fate = body.fate();
        let request = Request::from_parts(head, body);
        let response = match self.forward.send(request, way).await {
            Ok(answered) => self.hand_back(line, answered, wish, is_head),
            Err(no_answer) => sorry(no_answer),
        };
        (response, fate.unread())
    }

    fn hand_back(
        &self,
        line: &Arc<Line>,
        answered: Answered,
        wish: Option<Wish>,
        is_head: bool,
    ) -> Response<Payload> {
        let Answered {
            response,
            lent,
            running,
        } = answered;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match wish {
                Some(wish) => wish.fulfil(
                    response,
                    tunnel::Ground {
                        tasks: self.tasks.clone(),
                        line: Arc::clone(line),
                        linger: self.linger,
                        running,
                    },
                ),
                None => sorry(NoAnswer::Broken),
            };
        }
        let (mut head, body) = response.into_parts();
        without_hop_by_hop(&mut head.headers);
        head.version = Version::HTTP_11;
        let whole = body.is_end_stream();
        let download = Download::new(body, &self.forward.pool, lent, Box::new(running));
        let payload = match whole {
            true => nothing(),
            false => download.boxed_unsync(),
        };
        // How long it would be is part of the answer to HEAD only (RFC 9110 §8.6).
        if !is_head && whole && head.headers.get(CONTENT_LENGTH) != Some(&HeaderValue::from(0)) {
            head.headers.remove(CONTENT_LENGTH);
        }
        Response::from_parts(head, payload)
    }
}

/// RFC 9112 §3.2.1
fn origin_form(uri: &Uri) -> Uri {
    let path = uri.path_and_query().cloned();
    Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
}

/// The host of a `Host` header (RFC 9110 §7.2).
fn without_port(host: &str) -> &str {
    let colon = host
        .rfind(':')
        .filter(|colon| !host.get(*colon..).unwrap_or_default().contains(']'));
    colon.and_then(|colon| host.get(..colon)).unwrap_or(host)
}

fn too_large() -> Response<Payload> {
    page(StatusCode::PAYLOAD_TOO_LARGE, "The upload is too large.")
}

fn sorry(no_answer: NoAnswer) -> Response<Payload> {
    let (status, sentence) = match no_answer {
        NoAnswer::Nobody => {
            let sentence = "The server for this is away; please try again.";
            (StatusCode::SERVICE_UNAVAILABLE, sentence)
        }
        NoAnswer::Broken => (
            StatusCode::BAD_GATEWAY,
            "The server for this broke off its answer.",
        ),
        NoAnswer::TooLate => (
            StatusCode::GATEWAY_TIMEOUT,
            "The server for this does not answer.",
        ),
        NoAnswer::Upload(Ended::TooLarge) => return too_large(),
        NoAnswer::Upload(Ended::TooSlow) => {
            (StatusCode::REQUEST_TIMEOUT, "The upload was too slow.")
        }
        NoAnswer::Upload(Ended::Broken) => (StatusCode::BAD_REQUEST, "The upload broke off."),
    };
    page(status, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_header_has_a_port_or_not() {
        for (text, host) in [
            ("mail.example.com:20080", "mail.example.com"),
            ("mail.example.com", "mail.example.com"),
            ("[2001:db8::1]:80", "[2001:db8::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(without_port(text), host);
        }
    }
}
