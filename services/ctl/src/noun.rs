//! What each noun does.

mod account;
mod alerts;
mod alias;
mod completion;
mod config;
mod context;
mod cos;
pub(crate) mod directory;
mod doctor;
mod domain;
mod help;
mod list;
mod logs;
mod mailbox;
pub(crate) mod password;
mod proxy;
mod query;
mod queue;
mod server;
mod stats;
mod status;
mod store;
mod trace;

use crate::cli::{Cli, Dev, Global, Noun, Setup};
use crate::dev;
use crate::failure::Failure;
use crate::output::{Output, Record};
use crate::setup;
use context::Context;

/// Runs a command.
pub(crate) async fn run(cli: Cli, output: &Output) -> Result<(), Failure> {
    let Cli { noun, global } = cli;
    match noun {
        Noun::Dev(options) => dev::run(dev_options(options, &global)).await,
        Noun::Setup(options) => setup::run(setup_options(options, &global), output).await,
        Noun::Completion { shell } => completion::run(shell),
        Noun::Version => version(output),
        Noun::Help { command, man } => help::run(&command, man.as_deref()),
        noun => {
            let context = Context::new(&global, output)?;
            run_on_node(noun, &context).await
        }
    }
}

fn version(output: &Output) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let record = Record::new(version).with("version", version);
    output.done(&format!("roostctl {version}"), &record)
}

/// Runs a command that is about a node.
async fn run_on_node(noun: Noun, context: &Context<'_>) -> Result<(), Failure> {
    match noun {
        Noun::Status => status::run(context).await,
        Noun::Doctor => doctor::run(context).await,
        Noun::Alerts(verb) => alerts::run(verb, context).await,
        Noun::Stats(stats) => stats::run(stats, context).await,
        Noun::Queue(verb) => queue::run(verb, context).await,
        Noun::Trace(trace) => trace::run(trace, context).await,
        Noun::Logs(logs) => logs::run(logs, context).await,
        Noun::Proxy(verb) => proxy::run(verb, context).await,
        Noun::Mailbox(verb) => mailbox::run(verb, context).await,
        Noun::Store(verb) => store::run(verb, context).await,
        Noun::Domain(verb) => domain::run(verb, context).await,
        Noun::Account(verb) => account::run(verb, context).await,
        Noun::Alias(verb) => alias::run(verb, context).await,
        Noun::List(verb) => list::run(verb, context).await,
        Noun::Cos(verb) => cos::run(verb, context).await,
        Noun::Server(verb) => server::run(verb, context).await,
        Noun::Config(verb) => config::run(verb, context).await,
        Noun::Dev(_)
        | Noun::Setup(_)
        | Noun::Completion { .. }
        | Noun::Version
        | Noun::Help { .. } => Ok(()),
    }
}

fn dev_options(options: Dev, global: &Global) -> dev::Options {
    dev::Options {
        state: options.state,
        offset: options.offset,
        fresh: options.fresh,
        colour: global.color,
    }
}

fn setup_options(options: Setup, global: &Global) -> setup::Options {
    setup::Options {
        config: global.config.clone(),
        answers: options.answers,
        no_start: options.no_start,
        dry_run: global.dry_run,
    }
}
