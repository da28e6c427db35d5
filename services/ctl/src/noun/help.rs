//! `roostctl help`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::cli;
use crate::failure::Failure;
use crate::output::{print, say};

/// Help on a command, or all manual pages into a folder.
pub(super) fn run(command: &[String], man: Option<&Path>) -> Result<(), Failure> {
    match man {
        Some(folder) => write_manual(folder),
        None => show(command),
    }
}

fn show(names: &[String]) -> Result<(), Failure> {
    let mut command = cli::command().bin_name("roostctl");
    command.build();
    let mut at = &mut command;
    for name in names {
        let known: Vec<String> = at
            .get_subcommands()
            .map(|known| known.get_name().to_owned())
            .collect();
        at = at.find_subcommand_mut(name).ok_or_else(|| {
            let near = known
                .into_iter()
                .filter(|known| strsim::jaro_winkler(known, name) > 0.8);
            Failure::usage(format!("no command {name}"))
                .similar(near)
                .next("roostctl help")
        })?;
    }
    print(at.render_long_help().to_string().trim_end())
}

fn write_manual(folder: &Path) -> Result<(), Failure> {
    let what = format!("cannot write manual pages into {}", folder.display());
    let written: io::Result<()> = fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(cli::command(), folder))
        .and_then(|()| add_examples(folder));
    written.map_err(|error| Failure::io(what, &error))?;
    say(&format!("manual pages written into {}", folder.display()));
    Ok(())
}

/// clap's pages have no examples.
fn add_examples(folder: &Path) -> io::Result<()> {
    for (page, examples) in cli::examples::by_page() {
        let mut file = File::options()
            .append(true)
            .open(folder.join(format!("{page}.1")))?;
        let lines = examples.join("\n").replace('\\', "\\e").replace('-', "\\-");
        // `\&` keeps a line from being taken for a request.
        let lines = lines.replace('\n', "\n\\&");
        write!(file, ".SH EXAMPLES\n.nf\n\\&{lines}\n.fi\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_examples() {
        let folder = tempfile::tempdir().unwrap();
        write_manual(folder.path()).unwrap();
        let page = fs::read_to_string(folder.path().join("roostctl-account-create.1")).unwrap();
        let examples = page.split_once(".SH EXAMPLES\n").unwrap().1;
        assert!(
            examples.contains("\n\\&roostctl account create carol@example.org\n"),
            "{examples}"
        );
    }

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        write_manual(folder.path()).unwrap();
        for page in [
            "roostctl.1",
            "roostctl-account-create.1",
            "roostctl-mailbox-import.1",
        ] {
            assert!(folder.path().join(page).exists(), "{page}");
        }
    }

    #[test]
    fn an_unknown_command_names_the_nearest() {
        let failure = show(&["acount".to_owned()]).unwrap_err();
        assert!(
            failure.text().contains("similar: account"),
            "{}",
            failure.text()
        );
    }
}
