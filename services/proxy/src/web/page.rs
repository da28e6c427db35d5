//! What the proxy itself answers, and the headers on everything.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER, SERVER, STRICT_TRANSPORT_SECURITY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Response, StatusCode};

/// Why a body ended before its end.
pub(super) type Trouble = Box<dyn std::error::Error + Send + Sync>;
/// What is sent to a client.
pub(super) type Payload = UnsyncBoxBody<Bytes, Trouble>;

/// Nothing is loaded by our own pages, and nobody frames them.
const OWN_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// No content.
pub(super) fn nothing() -> Payload {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Some content.
pub(super) fn octets(octets: Bytes) -> Payload {
    Full::new(octets)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A page with one sentence.
pub(super) fn page(status: StatusCode, sentence: &str) -> Response<Payload> {
    let title = status.canonical_reason().unwrap_or("Error");
    let text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{code} {title}</title></head>\n\
         <body><h1>{title}</h1><p>{sentence}</p></body></html>\n",
        code = status.as_u16(),
    );
    let mut response = Response::new(octets(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, OWN_POLICY);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

/// The client must say who it is (RFC 7617 §2).
pub(super) fn who_are_you() -> Response<Payload> {
    let mut response = page(StatusCode::UNAUTHORIZED, "Please sign in.");
    let challenge = HeaderValue::from_static("Basic realm=\"mail\", charset=\"UTF-8\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// This method is not for this.
pub(super) fn not_allowed(allowed: &'static str) -> Response<Payload> {
    let mut response = page(StatusCode::METHOD_NOT_ALLOWED, "This cannot be done here.");
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// What is asked for is elsewhere.
pub(super) fn moved(status: StatusCode, place: &str) -> Response<Payload> {
    let Ok(place) = HeaderValue::from_str(place) else {
        return page(StatusCode::BAD_REQUEST, "The request cannot be understood.");
    };
    let mut response = page(status, "What you ask for is elsewhere.");
    response.headers_mut().insert(LOCATION, place);
    response
}

/// Headers that every answer has, unless the one who made it has set them.
#[derive(Debug, Clone)]
pub(super) struct Protection {
    transport: Option<HeaderValue>,
    more: HeaderMap,
}

impl Protection {
    /// `transport` is for how many seconds browsers shall come by HTTPS only; `more` are an
    /// administrator's own.
    pub(super) fn new(transport: u64, more: HeaderMap) -> Self {
        let value = format!("max-age={transport}");
        Self {
            transport: HeaderValue::try_from(value).ok().filter(|_| transport > 0),
            more,
        }
    }

    /// Puts them on an answer.
    pub(super) fn put(&self, headers: &mut HeaderMap, secure: bool) {
        // Which software serves is nobody's business.
        headers.remove(SERVER);
        let mut usual = |name: HeaderName, value: HeaderValue| {
            headers.entry(name).or_insert(value);
        };
        for (name, value) in &self.more {
            usual(name.clone(), value.clone());
        }
        usual(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        usual(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
        usual(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        if let Some(transport) = self.transport.as_ref().filter(|_| secure) {
            usual(STRICT_TRANSPORT_SECURITY, transport.clone());
        }
    }
}
