//! What commands about a node share: its configuration, and whether to ask or only to say.

use std::io::{self, BufRead, IsTerminal, Write};

use roost_kit::config::{Configuration, Shared};

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;

/// A command's surroundings.
pub(crate) struct Context<'a> {
    pub(crate) output: &'a Output,
    pub(crate) configuration: Configuration,
    pub(crate) shared: Shared,
    /// Only say what would change.
    pub(crate) dry_run: bool,
    yes: bool,
}

impl<'a> Context<'a> {
    pub(crate) fn new(global: &Global, output: &'a Output) -> Result<Self, Failure> {
        let configuration = Configuration::load(&global.config)?;
        let shared = configuration.shared()?;
        Ok(Self {
            output,
            configuration,
            shared,
            dry_run: global.dry_run,
            yes: global.yes,
        })
    }

    /// Asks before something that cannot be undone: the name must be typed. Without a terminal and
    /// without `--yes` it is refused, not waited for.
    pub(crate) fn confirm(&self, what: &str, name: &str) -> Result<(), Failure> {
        if self.yes || self.dry_run {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(Failure::usage(format!("{what} needs confirmation"))
                .next("add --yes if you are sure"));
        }
        let mut stderr = io::stderr().lock();
        let mut answer = String::new();
        write!(stderr, "{what}? Type {name} to confirm: ")
            .and_then(|()| stderr.flush())
            .and_then(|()| io::stdin().lock().read_line(&mut answer))
            .map_err(|error| Failure::io("cannot ask", &error))?;
        match answer.trim() == name {
            true => Ok(()),
            false => Err(Failure::failed(
                "not_confirmed",
                "not confirmed: nothing was changed",
            )),
        }
    }
}
