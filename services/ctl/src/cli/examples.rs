//! Help begins with examples.

use clap::Command;

/// Where examples stand in a page of help.
const TEMPLATE: &str =
    "{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}\n";

/// Command and its examples.
const EXAMPLES: &[(&[&str], &[&str])] = &[
    (
        &[],
        &[
            "roostctl setup",
            "roostctl status",
            "roostctl doctor",
            "roostctl domain create example.org",
            "roostctl account create carol@example.org",
            "roostctl queue list",
            "roostctl dev                       # try it all on this machine",
            "roostctl help account create",
        ],
    ),
    (&["status"], &["roostctl status", "roostctl status --json"]),
    (
        &["domain"],
        &[
            "roostctl domain create example.org",
            "roostctl domain set example.org zimbraDomainStatus=maintenance",
            "roostctl domain list -q",
        ],
    ),
    (
        &["account"],
        &[
            "roostctl account create carol@example.org --display-name 'Carol Chu'",
            "roostctl account set carol@example.org zimbraMailQuota=1000000000",
            "roostctl account set carol@example.org --cos staff",
            "roostctl account set-password carol@example.org",
            "roostctl account list --domain example.org --json",
        ],
    ),
    (
        &["account", "create"],
        &[
            "roostctl account create carol@example.org",
            "roostctl account create carol@example.org --password-file - < secret",
            "roostctl account create dan@example.org --cos staff --quota '5 GB'",
        ],
    ),
    (
        &["account", "set-password"],
        &[
            "roostctl account set-password carol@example.org",
            "roostctl account set-password carol@example.org --password-file secret",
        ],
    ),
    (
        &["alias"],
        &[
            "roostctl alias create info@example.org carol@example.org",
            "roostctl alias list carol@example.org",
        ],
    ),
    (
        &["list"],
        &[
            "roostctl list create team@example.org --member carol@example.org",
            "roostctl list add team@example.org dan@example.org",
            "roostctl list show team@example.org",
        ],
    ),
    (
        &["cos"],
        &[
            "roostctl cos create staff zimbraMailQuota=5000000000",
            "roostctl cos show staff",
        ],
    ),
    (
        &["server"],
        &[
            "roostctl server list",
            "roostctl server show mail.example.org",
        ],
    ),
    (
        &["config"],
        &[
            "roostctl config show",
            "roostctl config set zimbraDefaultDomainName=example.org",
        ],
    ),
    (
        &["proxy"],
        &[
            "roostctl proxy sessions --account carol@example.org",
            "roostctl proxy drain --store store2.example.org",
            "roostctl proxy ban 192.0.2.7 --for 1d",
        ],
    ),
    (
        &["queue"],
        &[
            "roostctl queue list",
            "roostctl queue show 4PkTq10001",
            "roostctl queue retry --all",
            "roostctl queue flush --domain example.net",
            "roostctl queue delete 4PkTq10001",
        ],
    ),
    (
        &["trace"],
        &[
            "roostctl trace --from alice@example.org --since today",
            "roostctl trace --to bob@example.net --status deferred",
            "roostctl trace --message-id '<20261124.1@example.org>'",
            "roostctl trace --queue-id 4PkTq10001 --json",
        ],
    ),
    (
        &["logs"],
        &[
            "roostctl logs --daemon roost-mta --since 1h",
            "roostctl logs --severity warning -f",
            "roostctl logs 'connection refused' --host mx2.example.org",
        ],
    ),
    (
        &["mailbox"],
        &["roostctl mailbox import carol@example.org ~/Maildir"],
    ),
    (
        &["mailbox", "import"],
        &[
            "roostctl mailbox import carol@example.org ~/Maildir",
            "roostctl mailbox import carol@example.org old.mbox --folder Archive/2019",
            "roostctl mailbox import carol@example.org ./eml --dry-run",
        ],
    ),
    (
        &["store"],
        &["roostctl store show", "roostctl store verify"],
    ),
    (
        &["store", "verify"],
        &[
            "roostctl store verify",
            "roostctl store verify --repair",
            "roostctl store verify --mailbox carol@example.org --rate '10 MB'",
            "roostctl store verify --json",
        ],
    ),
    (
        &["doctor"],
        &[
            "roostctl doctor",
            "roostctl doctor --json=code,state,action",
        ],
    ),
    (
        &["alerts"],
        &[
            "roostctl alerts list",
            "roostctl alerts rules",
            "roostctl alerts acknowledge DISK_FILLING store --note 'new disk ordered'",
            "roostctl alerts silence UNIT_RESTARTED --for 2h --note upgrade",
        ],
    ),
    (
        &["stats"],
        &[
            "roostctl stats",
            "roostctl stats --since 14d",
            "roostctl stats 'roost_mta_*' --since 2h --step 5m",
            "roostctl stats 'volume_free_bytes{*store*}' --since 365d --csv",
            "roostctl stats chart roost_mta_queue_messages -o queue.svg",
            "roostctl stats report --by account --top 10",
            "roostctl stats report --send",
        ],
    ),
    (
        &["setup"],
        &[
            "roostctl setup",
            "roostctl setup --answers answers.toml",
            "roostctl setup --answers answers.toml --dry-run",
            "printf 'host = \"mail.example.org\"\\ndomain = \"example.org\"\\n' | roostctl setup --answers -",
        ],
    ),
    (
        &["dev"],
        &[
            "roostctl dev",
            "roostctl dev --state /tmp/roost --offset 30000",
            "roostctl dev --fresh",
        ],
    ),
    (
        &["completion"],
        &["roostctl completion bash > /etc/bash_completion.d/roostctl"],
    ),
    (
        &["help"],
        &[
            "roostctl help account create",
            "roostctl help --man /usr/local/share/man/man1",
        ],
    ),
];

/// Adds the examples to the grammar.
pub(super) fn add(command: Command) -> Command {
    EXAMPLES
        .iter()
        .fold(command, |command, (path, examples)| {
            at(command, path, examples)
        })
        .help_template(TEMPLATE)
}

/// The examples of every command that has some, with the name of its manual page.
pub(crate) fn by_page() -> impl Iterator<Item = (String, &'static [&'static str])> {
    EXAMPLES.iter().map(|(path, examples)| {
        let page = [&["roostctl"], *path].concat().join("-");
        (page, *examples)
    })
}

fn at(command: Command, path: &[&str], examples: &[&str]) -> Command {
    match path.split_first() {
        None => {
            let text = format!("Examples:\n  {}\n", examples.join("\n  "));
            command.before_help(text).help_template(TEMPLATE)
        }
        Some((first, rest)) => {
            command.mut_subcommand(*first, |command| at(command, rest, examples))
        }
    }
}
