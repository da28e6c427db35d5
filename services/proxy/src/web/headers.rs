//! Headers between two connections: what ends here, and what is said of the client.

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use hyper::http::request::Parts;
use roost_kit::net::Peer;

/// RFC 9110 §7.6.1, and what came before it.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authorization"),
];

/// Only the proxy may say these to a store.
const OURS: [HeaderName; 5] = [
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
];

/// Whether this connection alone is meant by a header to become `protocol`.
pub(super) fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let wanted = listed(headers).any(|name| name.eq_ignore_ascii_case("upgrade"));
    headers.get(UPGRADE).filter(|_| wanted).cloned()
}

/// What `Connection` lists.
fn listed(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(CONNECTION).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
}

/// Takes away what ends with this connection.
pub(super) fn without_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = listed(headers)
        .filter_map(|name| HeaderName::try_from(name).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// The client's request as an upstream gets it: in one form, whatever version the client spoke.
pub(super) fn prepare(head: &mut Parts, peer: Peer, secure: bool, own: &HeaderValue) {
    let headers = &mut head.headers;
    without_hop_by_hop(headers);
    // The body says how long it is.
    headers.remove(CONTENT_LENGTH);
    for name in &OURS {
        headers.remove(name);
    }
    // RFC 9113 §8.2.3: split for compression, to be joined again.
    if headers.get_all(COOKIE).iter().nth(1).is_some() {
        let crumbs: Vec<&[u8]> = headers
            .get_all(COOKIE)
            .iter()
            .map(|c| c.as_bytes())
            .collect();
        if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
            headers.insert(COOKIE, whole);
        }
    }
    // RFC 9112 §3.2.2: the target's host is the one that counts.
    if let Some(authority) = head.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        headers.insert(HOST, host);
    }
    let [_, forwarded_for, forwarded_proto, forwarded_host, real_ip] = OURS;
    if let Some(address) = peer.ip().map(|address| address.to_string())
        && let Ok(address) = HeaderValue::try_from(address)
    {
        headers.insert(forwarded_for, address.clone());
        headers.insert(real_ip, address);
    }
    let scheme = if secure { "https" } else { "http" };
    headers.insert(forwarded_proto, HeaderValue::from_static(scheme));
    if let Some(host) = headers.get(HOST).cloned() {
        headers.insert(forwarded_host, host);
    }
    headers.append(VIA, own.clone());
}

/// Whether the request has been here before (RFC 9110 §7.6.3).
pub(super) fn has_been_here(headers: &HeaderMap, own: &HeaderValue) -> bool {
    let lines = headers.get_all(VIA).iter();
    let mut hops = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    hops.any(|hop| hop.trim().as_bytes() == own.as_bytes())
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    #[test]
    fn a_client_cannot_say_who_it_is_nor_what_ends_here() {
        let own = HeaderValue::from_static("1.1 here");
        let request = Request::builder()
            .uri("https://mail.example.com/x?y")
            .header("host", "other.example.com")
            .header("x-forwarded-for", "192.0.2.99")
            .header("connection", "keep-alive, X-Secret")
            .header("x-secret", "1")
            .header("cookie", "a=b")
            .header("cookie", "c=d")
            .header("te", "trailers")
            .body(())
            .unwrap();
        let (mut head, ()) = request.into_parts();
        let peer = Peer::remote("192.0.2.7:4711".parse().unwrap());
        prepare(&mut head, peer, true, &own);
        let get = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(get("host"), Some("mail.example.com"));
        assert_eq!(get("x-forwarded-for"), Some("192.0.2.7"));
        assert_eq!(get("x-forwarded-proto"), Some("https"));
        assert_eq!(get("cookie"), Some("a=b; c=d"));
        for gone in ["connection", "x-secret", "te"] {
            assert_eq!(get(gone), None, "{gone}");
        }
        assert!(has_been_here(&head.headers, &own));
        assert!(!has_been_here(
            &head.headers,
            &HeaderValue::from_static("1.1 there")
        ));
    }
}
