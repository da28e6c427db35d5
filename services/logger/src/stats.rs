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
//! | [`volume`], `count` | mail by day, domain and account, from the lines that are kept |
//! | [`mod@report`], `daily` | the report of a day, and its mail |
//! | `control` | what `roostctl stats` asks |

pub mod config;
mod control;
mod count;
mod daily;
pub mod database;
pub mod host;
mod metrics;
pub mod minute;
pub mod overview;
pub mod read;
pub mod report;
pub mod resolution;
mod sampler;
pub mod series;
pub mod store;
pub mod svg;
pub mod volume;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use roost_kit::Kit;
use tokio::sync::watch;

use crate::alert::Troubles;
use crate::store::Store as Lines;

use config::Statistics;
use daily::Reporter;
use database::Database;
pub use sampler::Look;
use sampler::Sampler;
use store::Store;
use volume::Volumes;

/// The statistics, at work.
#[derive(Debug)]
pub struct Begun {
    /// The newest look at the nodes; nothing before the first.
    pub looks: watch::Receiver<Option<Arc<Look>>>,
    /// Mail by day.
    pub volumes: Volumes,
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
    let volumes = Volumes::open(database.clone(), settings.account_days, kit.clock.now()).await?;
    let (looked, looks) = watch::channel(None);
    let kept = (Arc::clone(&store), database.clone());
    let sampler = Sampler::new(kit, &configuration, &settings, kept, looked)?;
    kit.tasks
        .spawn_worker("statistics", sampler.run(kit.clone()));
    Ok(Begun {
        volumes,
        looks,
        store,
        database,
    })
}

impl Begun {
    /// Begins to count what `lines` say of mail and to report it daily, and says what is answered at the
    /// control socket.
    pub fn report(&self, kit: &Kit, lines: Lines, troubles: Troubles) -> Router {
        let volumes = self.volumes.clone();
        kit.tasks
            .spawn_worker("mail volumes", count::follow(volumes, lines, kit.clone()));
        let reporter = Reporter {
            volumes: self.volumes.clone(),
            store: Arc::clone(&self.store),
            configuration: kit.configuration.clone(),
            node: kit.shared.node.name.clone(),
            troubles,
        };
        kit.tasks
            .spawn_worker("daily report", reporter.clone().run(kit.clone()));
        control::router(Arc::clone(&self.store), kit.clock.clone(), reporter)
    }
}
