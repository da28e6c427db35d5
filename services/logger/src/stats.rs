//! Statistics: daemons' figures and the host's as time series of fixed size, and mail volumes by day.
//!
//! | module | what it decides |
//! |---|---|
//! | [`config`] | `[statistics]` |
//! | `sampler` | when daemons and host are looked at |
//! | [`host`] | the host's own figures |
//! | [`series`] | which samples become series |
//! | [`minute`] | looks → slots of a minute |
//! | [`resolution`] | how finely and for how long slots are kept |
//! | [`database`], [`store`] | the SQLite file, and series in it |
//! | [`read`], [`overview`] | series as tables and charts want them |
//! | [`mod@svg`] | a chart as a picture |
//! | `control` | what `roostctl stats` asks |

pub mod config;
mod control;
pub mod database;
pub mod host;
mod metrics;
pub mod minute;
pub mod overview;
pub mod read;
pub mod resolution;
mod sampler;
pub mod series;
pub mod store;
pub mod svg;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use roost_kit::Kit;
use tokio::sync::watch;

use config::Statistics;
use database::Database;
pub use sampler::Look;
use sampler::Sampler;
use store::Store;

/// The statistics, at work.
#[derive(Debug)]
pub struct Begun {
    /// What is answered at the control socket.
    pub router: Router,
    /// The newest look at the nodes; nothing before the first.
    pub looks: watch::Receiver<Option<Arc<Look>>>,
    /// The series.
    pub store: Arc<Store>,
    /// The database, in which alerts stand too.
    pub database: Database,
}

/// Opens the database below `state` and begins to look.
pub async fn begin(state: &Path, kit: &Kit) -> anyhow::Result<Begun> {
    let configuration = Arc::clone(&kit.configuration.borrow());
    let settings = Statistics::load(&configuration)?;
    let folder = state.join("statistics");
    kit.disk
        .create_directories(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let database = Database::open(&folder).await?;
    let most = usize::try_from(settings.series)?;
    let store = Arc::new(Store::open(database.clone(), most).await?);
    let (looked, looks) = watch::channel(None);
    let kept = (Arc::clone(&store), database.clone());
    let sampler = Sampler::new(kit, &configuration, &settings, kept, looked)?;
    kit.tasks
        .spawn_worker("statistics", sampler.run(kit.clone()));
    Ok(Begun {
        router: control::router(Arc::clone(&store), kit.clock.clone()),
        looks,
        store,
        database,
    })
}
