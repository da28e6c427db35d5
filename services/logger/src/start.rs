//! From settings to a daemon that serves.

use axum::Router;
use roost_kit::Kit;

use crate::config::Config;

/// A part of the logger: it opens what it keeps below [`Config::state`], registers its metrics,
/// spawns its workers with [`Kit::tasks`] (they end when [`stopping`](roost_kit::tasks::Tasks::stopping)
/// fires), and returns the requests that it answers at the control socket.
type Begin = fn(&Config, &Kit) -> anyhow::Result<Router>;

/// The parts, in the order in which they begin.
const PARTS: [(&str, Begin); 0] = [];

/// Begins every part, and serves.
///
/// # Errors
/// When a part cannot begin, or a place cannot be listened at.
pub async fn start(config: Config, kit: Kit) -> anyhow::Result<()> {
    kit.disk.create_directories(&config.state)?;
    let mut requests = Router::new();
    for (name, begin) in PARTS {
        let answered = begin(&config, &kit).map_err(|error| error.context(name))?;
        requests = requests.merge(answered);
    }
    kit.control(&config.control, requests)?;
    Ok(())
}
