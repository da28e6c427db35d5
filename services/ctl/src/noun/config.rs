//! `roostctl config`: settings of the whole installation.

use super::context::Context;
use super::directory::{attributes, connect, edits, only_said, refused};
use crate::cli::ConfigVerb;
use crate::failure::Failure;
use crate::output::Record;

/// What the global configuration is called in answers.
const NAME: &str = "config";

pub(super) async fn run(verb: ConfigVerb, context: &Context<'_>) -> Result<(), Failure> {
    let admin = connect(&context.shared.directory)?;
    let what = "cannot change the configuration";
    let config = admin.config().await.map_err(|error| refused(what, error))?;
    match verb {
        ConfigVerb::Show { attributes: only } => {
            let mut record = Record::new(NAME);
            record.fields = attributes(&config.entry);
            if !only.is_empty() {
                record.fields.retain(|(name, _)| {
                    only.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
                });
            }
            context.output.show(&record)
        }
        ConfigVerb::Set { settings } => {
            let edits = edits(what, &settings.settings)?;
            let mut record = Record::new(NAME);
            record.fields = attributes(&config.entry);
            if only_said(&admin, context, what, (record, &config.entry), &edits).await? {
                return Ok(());
            }
            let changed = admin.modify_config(&edits).await;
            changed.map_err(|error| refused(what, error))?;
            let mut record = Record::new(NAME);
            let config = admin.config().await.map_err(|error| refused(what, error))?;
            record.fields = attributes(&config.entry);
            context.output.done("changed the configuration", &record)
        }
    }
}
