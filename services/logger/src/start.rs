//! From settings to a daemon that serves.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use roost_kit::Kit;
use roost_kit::fields::Chain;
use roost_kit::net::{Admission, Security, Service};

use crate::config::Config;
use crate::control::{self, Office};
use crate::forwarding::{self, Forwarding};
use crate::metrics::Counts;
use crate::privacy::Privacy;
use crate::reception::{Desk, datagram, journal, stream};
use crate::store::intake::{Ground, Intake};
use crate::store::{Store, retention};
use crate::{alert, stats};

/// Begins every part, and serves.
///
/// # Errors
/// When a part cannot begin, or a place cannot be listened at.
pub async fn start(config: Config, kit: Kit) -> anyhow::Result<()> {
    kit.disk.create_directories(&config.state)?;
    let (lines, requests) = begin_lines(&config, &kit).context("lines")?;
    let statistics = stats::begin(&config.state, &kit).await?;
    let (alerts, troubles) = alert::begin(&kit, &statistics).await?;
    let figures = statistics.report(&kit, lines, troubles);
    let requests = requests.merge(figures).merge(alerts);
    kit.control(&config.control, requests)?;
    Ok(())
}

/// Reception and store of lines.
fn begin_lines(config: &Config, kit: &Kit) -> anyhow::Result<(Store, Router)> {
    let folder = config.state.join("lines");
    let counts = Counts::new(&kit.metrics);
    let store = Store::open(Arc::clone(&kit.disk), &folder)?;
    let kept = store.clone();
    let privacy = Arc::new(Privacy::open(
        config.addresses,
        kit.disk.as_ref(),
        &config.state,
    )?);
    // The journal is read, and segments are written: other tasks of this thread wait.
    let intake = tokio::task::block_in_place(|| {
        let ground = Ground {
            disk: Arc::clone(&kit.disk),
            clock: kit.clock.clone(),
            tasks: kit.tasks.clone(),
            health: kit.health.clone(),
            counts: counts.clone(),
        };
        Intake::open(&store, &folder.join("journal"), ground)
    })?;
    retention::begin(kit, store.clone(), intake.clone(), config.keep, folder);
    let office = Office::new(
        store.clone(),
        intake.clone(),
        Arc::clone(&privacy),
        kit.clock.clone(),
        counts.clone(),
    );
    let desk = Desk {
        intake,
        clock: kit.clock.clone(),
        counts,
        allow: config.allow.clone(),
        line_max: config.line_max.as_usize(),
        privacy,
        draining: kit.tasks.draining(),
    };
    listen(config, kit, &desk)?;
    let figures = forwarding::figures(&kit.metrics);
    if let Some(settings) = &config.forward {
        let forwarding = Forwarding::new(
            settings.clone(),
            store.clone(),
            Arc::clone(&kit.disk),
            &config.state,
            kit.tasks.draining(),
            figures,
        )?;
        kit.tasks.spawn("forwarding", forwarding.run());
    }
    if config.journal {
        let following = journal::Following {
            desk,
            store,
            disk: Arc::clone(&kit.disk),
            state: config.state.clone(),
            status: Arc::clone(&office.journal),
        };
        kit.tasks.spawn("journal", journal::follow(following));
    } else {
        "not read (logger.journal)".clone_into(&mut office.journal.lock());
    }
    Ok((kept, control::router(office)))
}

fn listen(config: &Config, kit: &Kit, desk: &Desk) -> anyhow::Result<()> {
    let admission = Admission::new("syslog", config.connections.clone(), &kit.metrics);
    let service = |name, listen: &roost_kit::config::Listen| Service {
        name,
        listen: listen.clone(),
        // TLS is begun by us: whose certificates are asked for is our own setting.
        security: Security::Clear,
        admission: admission.clone(),
        busy: b"",
    };
    let taking = desk.clone();
    kit.serve(service("syslog", &config.syslog), move |stream| {
        stream::serve_tcp(taking.clone(), stream)
    })?;
    let tried = kit.tls.one_way_acceptor(config.client_ca.as_deref());
    tried.context("logger.client_ca cannot be used")?;
    let (taking, tls, ca) = (desk.clone(), kit.tls.clone(), config.client_ca.clone());
    if kit.tls.available() {
        kit.serve(service("syslog-tls", &config.syslog_tls), move |stream| {
            // Made anew, as certificates and the authority may have changed.
            let acceptor = tls.one_way_acceptor(ca.as_deref());
            let acceptor = acceptor.unwrap_or_else(|error| {
                tracing::error!(error = %Chain(&error), "senders over TLS cannot be checked");
                None
            });
            stream::serve_tls(taking.clone(), acceptor, stream)
        })?;
    } else {
        tracing::warn!("no certificate: syslog over TLS is not offered");
    }
    for socket in kit.sockets.datagrams("syslog-udp", &config.syslog_udp)? {
        tracing::info!(service = "syslog-udp", place = %socket.place()?, "listening");
        kit.tasks
            .spawn("syslog-udp", datagram::serve(desk.clone(), socket));
    }
    Ok(())
}
