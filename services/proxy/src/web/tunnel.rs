//! Requests that become another protocol: WebSocket, over HTTP/1.1 (RFC 6455) and HTTP/2 (RFC 8441).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::ext::Protocol;
use hyper::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use roost_kit::fields;
use roost_kit::tasks::Tasks;
use tokio::io::copy_bidirectional_with_sizes;

use super::group::Running;
use super::guard::Line;
use super::headers::{upgrade_of, without_hop_by_hop};
use super::page::{Payload, nothing};

/// Octets that a tunnel holds in each direction.
const HELD: usize = 16 * 1024;

/// A request that wants to become something else.
pub(super) struct Wish {
    on_client: OnUpgrade,
    protocol: HeaderValue,
    is_http2: bool,
}

/// What a tunnel stands on.
pub(super) struct Ground {
    pub(super) tasks: Tasks,
    pub(super) line: Arc<Line>,
    /// How long it goes on when the daemon stops.
    pub(super) linger: Duration,
    pub(super) running: Option<Running>,
}

/// What the head wishes to become, if anything.
pub(super) fn wish(head: &mut Parts) -> Option<Wish> {
    let asked = match head.version {
        Version::HTTP_11 if head.method == Method::GET => upgrade_of(&head.headers),
        Version::HTTP_2 if head.method == Method::CONNECT => head
            .extensions
            .get::<Protocol>()
            .and_then(|protocol| HeaderValue::from_str(protocol.as_str()).ok()),
        _ => None,
    };
    Some(Wish {
        protocol: asked?,
        on_client: head.extensions.remove::<OnUpgrade>()?,
        is_http2: head.version == Version::HTTP_2,
    })
}

impl Wish {
    /// Says it to the upstream, in HTTP/1.1's words. The head has lost what ends here.
    pub(super) fn tell(&self, head: &mut Parts) {
        head.method = Method::GET;
        let headers = &mut head.headers;
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, self.protocol.clone());
        if self.is_http2 {
            // HTTP/2 has no key: its purpose is served by the stream itself.
            let nonce = uuid::Uuid::new_v4();
            if let Ok(key) = HeaderValue::try_from(STANDARD.encode(nonce.as_bytes())) {
                headers.insert(SEC_WEBSOCKET_KEY, key);
            }
        }
    }

    /// Joins the two, once the upstream has agreed; answers what the client is to hear.
    pub(super) fn fulfil<B>(self, mut response: Response<B>, ground: Ground) -> Response<Payload> {
        let on_server = hyper::upgrade::on(&mut response);
        let (mut head, _) = response.into_parts();
        let agreed = head.headers.get(UPGRADE).cloned();
        without_hop_by_hop(&mut head.headers);
        if self.is_http2 {
            head.status = StatusCode::OK;
            head.headers.remove(SEC_WEBSOCKET_ACCEPT);
        } else {
            ground.line.upgraded.store(true, Ordering::Relaxed);
            let protocol = agreed.unwrap_or(self.protocol);
            head.headers
                .insert(CONNECTION, HeaderValue::from_static("upgrade"));
            head.headers.insert(UPGRADE, protocol);
        }
        head.headers
            .remove(HeaderName::from_static("content-length"));
        head.version = Version::HTTP_11;
        let tasks = ground.tasks.clone();
        tasks.spawn("tunnel", join(self.on_client, on_server, ground));
        Response::from_parts(head, nothing())
    }
}

async fn join(on_client: OnUpgrade, on_server: OnUpgrade, ground: Ground) {
    let (Ok(client), Ok(server)) = tokio::join!(on_client, on_server) else {
        tracing::debug!({ fields::SESSION } = %ground.line.id, "no tunnel: one side is gone");
        return;
    };
    let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
    let draining = ground.tasks.draining();
    let stopping = async {
        draining.cancelled().await;
        tokio::time::sleep(ground.linger).await;
    };
    ground.line.running.fetch_add(1, Ordering::Relaxed);
    // Cancel-safe: a tunnel that is cut is dropped for good.
    let (octets_in, octets_out, how) = tokio::select! {
        ended = copy_bidirectional_with_sizes(&mut client, &mut server, HELD, HELD) => match ended {
            Ok((forth, back)) => (forth, back, "closed".to_owned()),
            Err(error) => (0, 0, error.to_string()),
        },
        () = stopping => (0, 0, "the server stops".to_owned()),
    };
    ground.line.running.fetch_sub(1, Ordering::Relaxed);
    drop(ground.running);
    tracing::info!(
        { fields::SERVICE } = "web",
        { fields::SESSION } = %ground.line.id,
        { fields::PEER } = %ground.line.peer,
        octets_in,
        octets_out,
        how,
        "tunnel ended"
    );
}
