//! From configuration to serving.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::routing::post;
use roost_kit::Kit;
use roost_kit::control::Failure;
use serde::Deserialize;

use crate::config::Config;
use crate::directory::Directory;
use crate::password::checker::Checker;
use crate::password::hash;
use crate::schema::Schema;
use crate::store::Store;
use crate::{seed, server, upkeep};

/// Opens the directory, makes it if it is new, and serves it.
pub async fn start(config: Config, kit: Kit) -> anyhow::Result<()> {
    kit.disk
        .create_directories(&config.state)
        .with_context(|| format!("cannot make the folder {}", config.state.display()))?;
    let schema = Arc::new(Schema::new());
    let store = Store::open(&config.state, Arc::clone(&schema)).await?;
    let decoy_key = store
        .kept("decoy-key", || hash::random::<32>().to_vec())
        .await?;
    let directory = Arc::new(Directory {
        schema,
        store,
        checker: Checker::new()?,
        clock: kit.clock.clone(),
        limits: config.search,
        decoy_key,
    });
    seed::prepare(&directory, &kit).await?;
    let entries = directory.store.count().await?;
    tracing::info!(entries, "the directory is open");
    server::serve(&kit, &config, Arc::clone(&directory))?;
    if let Some(path) = &config.control {
        kit.control(path, control(Arc::clone(&directory)))?;
    }
    upkeep::begin(&kit, directory);
    Ok(())
}

#[derive(Deserialize)]
struct Backup {
    /// A file that does not exist yet.
    to: std::path::PathBuf,
}

/// What `roostctl` may ask.
fn control(directory: Arc<Directory>) -> axum::Router {
    axum::Router::new()
        .route("/backup", post(backup))
        .with_state(directory)
}

async fn backup(
    State(directory): State<Arc<Directory>>,
    Json(backup): Json<Backup>,
) -> Result<Json<()>, Failure> {
    let to: &Path = &backup.to;
    match directory.store.backup(to).await {
        Ok(()) => Ok(Json(())),
        Err(error) => {
            let why = roost_kit::fields::Chain(&error).to_string();
            Err(Failure::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "backup_failed",
                why,
            ))
        }
    }
}
