//! Alerts by HTTP.
//!
//! `POST` with one [`Event`](super::event::Event) as JSON. 2xx is taken; anything else, and silence, is
//! tried again for three days. With a secret the request is signed:
//!
//! ```text
//! Roost-Timestamp: 1790000000
//! Roost-Signature: sha256=HEX   HMAC-SHA-256 by the secret over "1790000000." and the body
//! ```
//! The receiver compares the signature, and refuses old timestamps, so that nothing can be replayed.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use roost_kit::fields::Chain;
use roost_kit::net::Stream;
use roost_kit::tls;
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::config::Webhook;

/// How long the receiver may take, in all.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Where alerts are POSTed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    is_tls: bool,
    host: String,
    port: u16,
    path: String,
}

impl Target {
    /// Reads `http://` or `https://`.
    pub fn parse(url: &str) -> Result<Self, String> {
        let expected =
            || format!("expected a URL such as \"https://example.org/alerts\", found \"{url}\"");
        let uri: Uri = url.parse().map_err(|_| expected())?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(expected()),
        };
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or_else(expected)?;
        Ok(Self {
            is_tls,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            path: uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
        })
    }

    fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// Sends a body; why not, otherwise.
pub(crate) async fn send(settings: &Webhook, body: String, now: i64) -> Result<(), String> {
    let Some(url) = &settings.url else {
        return Ok(());
    };
    let target = Target::parse(url)?;
    let sent = timeout(ANSWER_MAX, post(settings, &target, body, now)).await;
    sent.unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER_MAX.as_secs())))
}

async fn post(settings: &Webhook, target: &Target, body: String, now: i64) -> Result<(), String> {
    let said = |error: &(dyn std::error::Error + 'static)| Chain(error).to_string();
    let mut request = Request::post(&target.path)
        .header(HOST, target.authority())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, "roost-logger");
    if let Some(path) = &settings.secret {
        let signature = signature(&secret(path)?, now, &body);
        request = request
            .header("Roost-Timestamp", now)
            .header("Roost-Signature", format!("sha256={signature}"));
    }
    let request = request
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| said(&error))?;
    let stream = TcpStream::connect((target.host.as_str(), target.port))
        .await
        .map_err(|error| said(&error))?;
    let mut stream = Stream::from_tcp(stream).map_err(|error| said(&error))?;
    if target.is_tls {
        let trusted = tls::verified(settings.ca.as_deref()).map_err(|error| said(&error))?;
        stream = stream
            .secure(trusted, &target.host)
            .await
            .map_err(|error| said(&error))?;
    }
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| said(&error))?;
    let answer = sender.send_request(request);
    tokio::pin!(answer, connection);
    // Cancel-safe: a future that is not done is polled again, and at the end both are dropped.
    let answer = tokio::select! {
        answer = &mut answer => answer,
        ended = &mut connection => {
            ended.map_err(|error| said(&error))?;
            answer.await
        }
    };
    let status = answer.map_err(|error| said(&error))?.status();
    match status.is_success() {
        true => Ok(()),
        false => Err(format!("the receiver answered {status}")),
    }
}

fn secret(path: &Path) -> Result<Vec<u8>, String> {
    let secret = std::fs::read(path)
        .map_err(|error| format!("cannot read the secret in {}: {error}", path.display()))?;
    let secret = secret.trim_ascii().to_vec();
    match secret.is_empty() {
        true => Err(format!("{} holds no secret", path.display())),
        false => Ok(secret),
    }
}

/// In hexadecimal.
fn signature(secret: &[u8], now: i64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        // A key of any length will do.
        return String::new();
    };
    mac.update(format!("{now}.").as_bytes());
    mac.update(body.as_bytes());
    let octets = mac.finalize().into_bytes();
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_or_refused() {
        let target = |url| Target::parse(url).unwrap();
        let plain = target("http://127.0.0.1:8080/a?b=c");
        assert_eq!(
            (plain.is_tls, plain.port, plain.path.as_str()),
            (false, 8080, "/a?b=c")
        );
        let secure = target("https://hooks.example.org");
        assert_eq!(
            (secure.is_tls, secure.port, secure.path.as_str()),
            (true, 443, "/")
        );
        assert_eq!(target("http://[::1]:1/").authority(), "[::1]:1");
        for url in [
            "",
            "example.org",
            "ftp://example.org/",
            "http://",
            "/path",
            "http:// x/",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_signature_is_what_openssl_says() {
        // printf '1790000000.{}' | openssl dgst -sha256 -hmac secret
        assert_eq!(
            signature(b"secret", 1_790_000_000, "{}"),
            "d0cadd434460d4af55e7ab90d79c1802591d7001a77c9e06471d0e3ec8cc85ae"
        );
    }
}
