//! How `roostctl` talks to a running daemon: HTTP with JSON on a Unix socket that the daemon's user
//! and group may open (mode 0660).
//!
//! The daemon gives an axum [`Router`] to [`Kit::control`](crate::Kit::control); its
//! handlers answer `Json<…>` or a [`Failure`]. The other side is [`Client`], which also reads the
//! health pages.

mod caller;
mod client;
mod failure;

pub use caller::Caller;
pub use client::{Client, ClientError};
pub use failure::Failure;

use std::path::Path;

use axum::Router;

use crate::config::ListenSpec;
use crate::net::{Listener, NetError, Over, Sockets};
use crate::tasks::Tasks;

/// Serves `router` at `path` until workers are told to end, so that a drain can be watched.
pub(crate) fn serve(
    sockets: &Sockets,
    tasks: &Tasks,
    path: &Path,
    router: Router,
) -> Result<(), NetError> {
    let listen = [ListenSpec::Path(path.to_owned())].into_iter().collect();
    for listener in sockets.listen("control", &listen)? {
        // Nobody hands over another kind for a path.
        let Listener::Unix(listener) = listener else {
            continue;
        };
        let router = router
            .clone()
            .into_make_service_with_connect_info::<Caller>();
        let over = Over::of(tasks);
        tasks.spawn_worker("control", async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(over.wait())
                .await?;
            Ok(())
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::Json;
    use axum::extract::{ConnectInfo, Path as Part};
    use axum::http::{Method, StatusCode};
    use axum::routing::{get, post};

    use super::*;

    async fn double(Part(number): Part<u32>) -> Result<Json<u32>, Failure> {
        match number.checked_mul(2) {
            Some(doubled) => Ok(Json(doubled)),
            None => Err(
                Failure::new(StatusCode::CONFLICT, "too_large", "cannot double it")
                    .next("roostctl halve"),
            ),
        }
    }

    #[tokio::test]
    async fn a_client_hears_answers_and_failures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let tasks = Tasks::new();
        let router =
            Router::new()
                .route("/double/{number}", get(double))
                .route(
                    "/echo",
                    post(|Json(text): Json<String>| async { Json(text) }),
                )
                .route(
                    "/who",
                    get(|ConnectInfo(caller): ConnectInfo<Caller>| async move {
                        Json(caller.to_string())
                    }),
                );
        serve(&Sockets::default(), &tasks, &path, router).unwrap();
        let client = Client::socket(&path);
        assert_eq!(client.get::<u32>("/double/21").await.unwrap(), 42);
        let echoed: String = client.send(Method::POST, "/echo", &"grüße").await.unwrap();
        assert_eq!(echoed, "grüße");
        let who: String = client.get("/who").await.unwrap();
        let own = nix::unistd::geteuid();
        assert!(who.ends_with(&format!("(uid {own})")), "{who}");
        match client.get::<u32>("/double/4000000000").await.unwrap_err() {
            ClientError::Failed(failure) => {
                assert_eq!(failure.code, "too_large");
                assert_eq!(failure.next.as_deref(), Some("roostctl halve"));
                assert_eq!(failure.status, StatusCode::CONFLICT);
            }
            other => panic!("{other}"),
        }
        tasks.shut_down(Duration::from_secs(10)).await;
        let gone = client.get::<u32>("/double/1").await.unwrap_err();
        assert!(matches!(gone, ClientError::Unreachable { .. }), "{gone}");
    }
}
