//! Health pages and figures, under Prometheus and its checker.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use roost_tests::client::Curl;
use roost_tests::peer::{Prometheus, monitoring_files};
use roost_tests::{Finished, Run, Suite, message, wait_for};
use serde_json::Value;

/// Every daemon's short name with the port of its health pages.
fn daemons(suite: &Suite) -> BTreeMap<String, u16> {
    let ports = suite.dev()["ports"].as_object().unwrap();
    let found: BTreeMap<String, u16> = ports
        .iter()
        .filter_map(|(name, _)| {
            let daemon = name.strip_suffix("_health")?;
            Some((daemon.to_owned(), suite.port(name)))
        })
        .collect();
    assert!(found.len() >= 5, "{found:?}");
    found
}

/// A page, after which the status stands on a line of its own.
fn page(port: u16, path: &str, accept: &str) -> Finished {
    Run::new("curl")
        .args([
            "--silent",
            "--max-time",
            "30",
            "--write-out",
            "\n%{http_code} %{content_type}",
        ])
        .args(["--header", &format!("Accept: {accept}")])
        .arg(format!("http://127.0.0.1:{port}{path}"))
        .finish()
}

fn metrics(port: u16) -> String {
    let text = page(port, "/metrics", "text/plain").stdout();
    let (text, last) = text.rsplit_once('\n').unwrap();
    assert_eq!(last, "200 text/plain; version=0.0.4; charset=utf-8");
    text.to_owned()
}

/// The names of families in an exposition.
fn families(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .map(|rest| rest.split(' ').next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_daemon_tells_health_and_figures_that_promtool_likes() {
    let suite = Suite::start();
    for (daemon, port) in daemons(&suite) {
        let healthy = page(port, "/healthz", "*/*").stdout();
        assert!(healthy.starts_with("ok\n\n200 "), "{daemon}: {healthy}");
        let ready = page(port, "/readyz", "*/*").stdout();
        let expected = "{\"ready\":true,\"reasons\":{}}\n200 application/json";
        assert_eq!(ready, expected, "{daemon}");

        let text = metrics(port);
        let check = Run::new("promtool")
            .args(["check", "metrics"])
            .input(text.clone())
            .finish();
        assert!(check.success(), "{daemon}: {check}");
        assert_eq!(check.stderr(), "", "{daemon}: {check}");

        let newer = page(
            port,
            "/metrics",
            "application/openmetrics-text; version=1.0.0",
        );
        let newer = newer.stdout();
        assert!(newer.contains("\n# EOF\n"), "{daemon}: {newer}");
        assert!(newer.ends_with("200 application/openmetrics-text; version=1.0.0; charset=utf-8"));

        // A closed set of labels: nothing of a person or a peer.
        let labels = text.lines().filter(|line| !line.starts_with('#'));
        for line in labels {
            assert!(
                !line.contains('@') && !line.contains("127.0.0.1"),
                "{daemon}: {line}"
            );
        }
    }
}

#[test]
fn a_daemon_that_cannot_serve_says_why() {
    let suite = Suite::start();
    let ports = daemons(&suite);
    let directory = suite.pid("roost-directory");
    kill(directory, Signal::SIGSTOP).unwrap();
    for daemon in ["store", "mta", "proxy"] {
        let said = wait_for(
            &format!("{daemon} to miss the directory"),
            Duration::from_secs(90),
            || {
                let said = page(ports[daemon], "/readyz", "*/*").stdout();
                said.contains("503 application/json").then_some(said)
            },
        );
        let (body, _) = said.rsplit_once('\n').unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["ready"], false, "{daemon}: {body}");
        let why = body["reasons"]["directory"].as_str();
        assert!(why.is_some_and(|why| !why.is_empty()), "{daemon}: {body}");
        assert!(
            metrics(ports[daemon]).contains("\nroost_ready 0\n"),
            "{daemon}"
        );
        let healthy = page(ports[daemon], "/healthz", "*/*").stdout();
        assert!(healthy.starts_with("ok\n"), "{daemon}: {healthy}");
    }
    kill(directory, Signal::SIGCONT).unwrap();
    for daemon in ["store", "mta", "proxy"] {
        wait_for(
            &format!("{daemon} to be ready again"),
            Duration::from_secs(60),
            || {
                metrics(ports[daemon])
                    .contains("\nroost_ready 1\n")
                    .then_some(())
            },
        );
    }
}

#[test]
fn the_rules_say_what_their_tests_expect() {
    let promtool = |arguments: &[&str]| {
        let finished = Run::new("promtool").args(arguments).finish();
        assert!(finished.success(), "{finished}");
    };
    let file = |name: &str| monitoring_files().join(name).display().to_string();
    promtool(&["check", "rules", &file("roost-alerts.yml")]);
    promtool(&["check", "config", &file("prometheus.yml")]);
    promtool(&["test", "rules", &file("roost-alerts-test.yml")]);
}

/// Every expression of the dashboard's panels.
fn expressions(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array());
    targets
        .flatten()
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_real_prometheus_finds_every_figure_of_dashboard_and_rules() {
    let suite = Suite::start();
    let ports = daemons(&suite);
    let text = message::plain("seen by the dashboard");
    Curl::send(
        &suite,
        "alice@example.test",
        "bob@example.test",
        text.as_bytes(),
    )
    .ok();
    let all: Vec<u16> = ports.values().copied().collect();
    let prometheus = Prometheus::start(suite.scratch(), &all);

    let dashboard = fs::read(monitoring_files().join("roost-dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_slice(&dashboard).unwrap();
    assert_eq!(dashboard["uid"], "roost-overview");
    for expression in expressions(&dashboard) {
        let asked = expression
            .replace("$job", "roost")
            .replace("$instance", ".*")
            .replace("$__rate_interval", "10s");
        assert!(!asked.contains('$'), "{expression}");
        wait_for(
            &format!("figures for {asked}"),
            Duration::from_secs(60),
            || {
                let found = prometheus.query(&asked);
                found
                    .as_array()
                    .is_some_and(|series| !series.is_empty())
                    .then_some(())
            },
        );
    }

    // A rule that names what is not there would never fire, and never complain.
    let exported: BTreeSet<String> = ports
        .values()
        .flat_map(|port| families(&metrics(*port)))
        .collect();
    let rules = fs::read_to_string(monitoring_files().join("roost-alerts.yml")).unwrap();
    for name in names(&rules) {
        assert!(
            exported.contains(&name),
            "{name} is not exported: {exported:?}"
        );
    }
    let rules = wait_for(
        "every rule to be evaluated",
        Duration::from_secs(60),
        || {
            let rules = prometheus.rules();
            rules
                .iter()
                .all(|rule| rule["health"] != "unknown")
                .then_some(rules)
        },
    );
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
}

/// The names of metrics in a text; `roost_(a|b)_c` is two.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_()|".contains(character);
    let words = text.split(|character| !is_part(character));
    let words = words.filter(|word| word.starts_with("roost_") || word.starts_with("process_"));
    let mut names = BTreeSet::new();
    for word in words {
        match (word.split_once('('), word.split_once(')')) {
            (Some((before, rest)), Some((_, after))) => {
                let (choices, _) = rest.split_once(')').unwrap();
                let choices = choices.split('|');
                names.extend(choices.map(|choice| format!("{before}{choice}{after}")));
            }
            _ => {
                names.insert(word.trim_end_matches([')', '|']).to_owned());
            }
        }
    }
    names
}

#[test]
fn the_page_on_monitoring_lists_every_figure() {
    let suite = Suite::start();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/monitoring.md");
    let page = fs::read_to_string(page).unwrap();
    let told: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once('`'))
        .map(|(name, _)| name.split('{').next().unwrap().to_owned())
        .filter(|name| name.starts_with("roost_") || name.starts_with("process_"))
        .collect();
    let mut exported = BTreeSet::new();
    let mut expositions = String::new();
    for (daemon, port) in daemons(&suite) {
        let text = metrics(port);
        let families = families(&text);
        expositions.push_str(&text);
        let own = format!("roost_{daemon}_panics_total");
        assert!(families.contains(&own), "{own}");
        exported.extend(families);
    }
    // Every daemon has these, told once.
    let common = |name: &String| {
        name.ends_with("_panics_total") || name.ends_with("_tls_certificate_end_timestamp_seconds")
    };
    exported.retain(|name| !common(name));
    let missing: Vec<String> = exported
        .difference(&told)
        .map(|name| row(name, &expositions))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/monitoring.md lacks\n{}",
        missing.join("\n")
    );
    let told: BTreeSet<String> = told.into_iter().filter(|name| !common(name)).collect();
    let gone: Vec<&String> = told.difference(&exported).collect();
    assert!(
        gone.is_empty(),
        "docs/monitoring.md names what is not there: {gone:?}"
    );
}

/// The line that the page should have.
fn row(name: &str, expositions: &str) -> String {
    let about = |what: &str| {
        let start = format!("# {what} {name} ");
        let found = expositions
            .lines()
            .find_map(|line| line.strip_prefix(&start));
        found.unwrap_or_default().trim_end_matches('.').to_owned()
    };
    format!(
        "| `{name}` | {} | labels? | {} |",
        about("TYPE"),
        about("HELP")
    )
}
