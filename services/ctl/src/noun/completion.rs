//! `roostctl completion`: what clap knows of the grammar, and the names that the directory and the
//! queue know.
//!
//! A shell asks `roostctl NOUN list -q` for names, and only where one is expected.

use clap_complete::Shell;

use crate::cli;
use crate::failure::Failure;
use crate::output::print;

/// A completion script on standard output.
pub(super) fn run(shell: Shell) -> Result<(), Failure> {
    print(script(shell).trim_end())
}

fn script(shell: Shell) -> String {
    let mut grammar = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "roostctl", &mut grammar);
    let names = match shell {
        Shell::Bash => include_str!("completion/names.bash"),
        Shell::Zsh => include_str!("completion/names.zsh"),
        Shell::Fish => include_str!("completion/names.fish"),
        _ => "",
    };
    format!("{}\n{names}", String::from_utf8_lossy(&grammar))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What bash offers for the last of the words; `roostctl` is a function that knows two accounts.
    fn offered(words: &[&str]) -> String {
        let test = format!(
            "roostctl() {{ case \"$*\" in 'account list -q') echo carol@example.org dan@example.org ;; \
             'alerts rules -q') echo DISK_FILLING CLOCK_OFF ;; esac; }}\n\
             {}\nCOMP_WORDS=({})\nCOMP_CWORD={}\n_roostctl_with_names roostctl '{}' ''\necho \"${{COMPREPLY[*]}}\"\n",
            script(Shell::Bash),
            words.join(" "),
            words.len() - 1,
            words[words.len() - 1],
        );
        let output = Command::new("bash").args(["-c", &test]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn bash_knows_the_grammar_and_the_names() {
        assert_eq!(offered(&["roostctl", "acc"]), "account");
        assert_eq!(
            offered(&["roostctl", "account", "show", "ca"]),
            "carol@example.org"
        );
        assert_eq!(
            offered(&["roostctl", "mailbox", "import", "d"]),
            "dan@example.org"
        );
        assert_eq!(
            offered(&["roostctl", "alerts", "silence", "DI"]),
            "DISK_FILLING"
        );
        assert!(!offered(&["roostctl", "account", "create", "ca"]).contains("carol"));
        assert!(offered(&["roostctl", "account", "show", "--js"]).contains("--json"));
    }
}
