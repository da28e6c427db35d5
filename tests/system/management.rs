//! Network management: the subagent under a real `snmpd`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use roost_tests::client::Curl;
use roost_tests::peer::Snmp;
use roost_tests::{Run, Suite, message, wait_for};

const ROOST: &str = ".1.3.6.1.4.1.32473.1.3";
const APPLICATIONS: &str = ".1.3.6.1.2.1.27.1";
const MTA: &str = ".1.3.6.1.2.1.28";
const SETTINGS: &str = "[snmp]\ninterval = \"1s\"\n";

/// Every instance under `root` with its value, as `program` finds them.
fn walk(snmp: &Snmp, program: &str, root: &str) -> BTreeMap<String, String> {
    let finished = snmp.query(program).arg(root).finish();
    assert!(finished.success(), "{finished}");
    let text = finished.stdout();
    let lines = text.lines();
    lines
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn wait_for_agent(snmp: &Snmp) {
    wait_for(
        "the subagent to be registered",
        Duration::from_secs(60),
        || {
            let names = walk(snmp, "snmpwalk", &format!("{ROOST}.1.1"));
            names
                .contains_key(&format!("{ROOST}.1.1.1.0"))
                .then_some(())
        },
    );
}

#[test]
fn a_station_sees_services_queue_and_deliveries() {
    let suite = Suite::start_with(SETTINGS);
    let snmp = Snmp::start(suite.scratch(), &suite.state().join("run/agentx"));
    wait_for_agent(&snmp);
    let all = walk(&snmp, "snmpwalk", ROOST);
    assert_eq!(all[&format!("{ROOST}.1.1.1.0")], "\"mail.example.test\"");
    assert_eq!(all[&format!("{ROOST}.1.1.2.0")], "1");
    assert_eq!(all[&format!("{ROOST}.1.2.1.2.2")], "\"roost-store\"");
    let applications = walk(&snmp, "snmpwalk", APPLICATIONS);
    assert_eq!(
        applications[&format!("{APPLICATIONS}.1.2.3")],
        "\"roost-mta\""
    );
    assert_eq!(applications[&format!("{APPLICATIONS}.1.6.3")], "1");

    let letter = message::plain("counted");
    Curl::send(
        &suite,
        "someone@outside.test",
        "alice@example.test",
        letter.as_bytes(),
    )
    .ok();
    let counter = format!("{ROOST}.1.3.7.0");
    wait_for(
        "the delivery to be counted",
        Duration::from_secs(60),
        || {
            let walked = walk(&snmp, "snmpwalk", &counter);
            walked.get(&counter).filter(|count| *count != "0").cloned()
        },
    );
    let mta = walk(&snmp, "snmpwalk", MTA);
    assert_eq!(mta[&format!("{MTA}.1.1.1.3")], "1");
    assert_eq!(mta[&format!("{MTA}.2.1.25.3.1")], "\"smtp\"");
}

#[test]
fn a_walk_in_bulk_agrees_with_each_get() {
    // No look at the node falls between the walk and the gets.
    let suite = Suite::start_with("[snmp]\ninterval = \"1h\"\n");
    let snmp = Snmp::start(suite.scratch(), &suite.state().join("run/agentx"));
    wait_for_agent(&snmp);
    for root in [ROOST, APPLICATIONS, MTA] {
        let one_by_one = walk(&snmp, "snmpwalk", root);
        assert!(one_by_one.len() > 10, "{root}: {one_by_one:?}");
        assert_eq!(walk(&snmp, "snmpbulkwalk", root), one_by_one);
        let mut got = BTreeMap::new();
        let names: Vec<&String> = one_by_one.keys().collect();
        for some in names.chunks(20) {
            let finished = snmp.query("snmpget").args(some).finish();
            assert!(finished.success(), "{finished}");
            let text = finished.stdout();
            let lines = text.lines().filter_map(|line| line.split_once(" = "));
            got.extend(lines.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        assert_eq!(got, one_by_one);
    }
    let missing = snmp
        .query("snmpget")
        .args([format!("{ROOST}.1.2.1.2.99"), format!("{ROOST}.1.99.0")])
        .finish();
    let text = format!("{missing}");
    assert!(text.contains("No Such Instance"), "{text}");
    assert!(text.contains("No Such Object"), "{text}");
}

#[test]
fn a_service_that_dies_is_told_and_the_agent_survives_its_master() {
    let suite = Suite::start_with(SETTINGS);
    let mut snmp = Snmp::start(suite.scratch(), &suite.state().join("run/agentx"));
    wait_for_agent(&snmp);
    snmp.restart();
    wait_for_agent(&snmp);
    // A frozen daemon is as dead as one that ended, and `roostctl dev` does not start it again.
    let store = suite.pid("roost-store");
    kill(store, Signal::SIGSTOP).unwrap();
    let told = |number: u32| {
        let oid = format!("{ROOST}.0.{number}");
        wait_for(
            &format!("notification {oid}"),
            Duration::from_secs(90),
            || snmp.notifications().contains(&oid).then_some(()),
        );
    };
    told(1);
    assert!(snmp.notifications().contains("roost-store"));
    kill(store, Signal::SIGCONT).unwrap();
    told(2);
}

#[test]
fn the_mib_file_is_clean() {
    let mib = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/snmp/mib/ROOST-MIB.txt");
    // The modules that ours imports, as Debian packages them; smilint knows modules by plain names.
    let packaged = std::fs::read_dir("/usr/lib/erlang/lib").unwrap();
    let packaged = packaged
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("snmp-"))
        })
        .expect("package erlang-snmp is installed (make test installs it)");
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(packaged.join("mibs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "mib") {
            let name = folder.path().join(path.file_stem().unwrap());
            std::fs::copy(&path, name).unwrap();
        }
    }
    // A type of 64 bits can have no display hint.
    let finished = Run::new("smilint")
        .args(["-s", "-l", "6", "-i", "type-without-format"])
        .arg(&mib)
        .env("SMIPATH", folder.path())
        .finish();
    let text = finished.stderr() + &finished.stdout();
    let about_ours: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("ROOST-MIB"))
        .collect();
    assert_eq!(about_ours, Vec::<&str>::new());
    assert!(!text.contains("failed to locate"), "{text}");
}
