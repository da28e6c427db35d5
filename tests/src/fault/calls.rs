//! Single system calls that fail: strace makes the Nth sync, write, rename, … of a delivery (store)
//! and of an acceptance (mta) fail, for every N there is.
//!
//! strace counts by thread: the Nth call of whichever thread comes to its Nth.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::check::{Census, Leniency};
use super::kill::DRAIN_MAX;
use super::ledger::Ledger;
use super::letter::Letter;
use super::mail::{Said, Sender, Way};
use super::model::Model;
use super::power::EATMYDATA;
use super::summary::Summary;
use super::town::{MTA, STORE, Town};
use crate::wait::pass;
use crate::wait_for;

/// Calls that change a disk, and what they fail with.
const CALLS: [(&str, &[&str]); 9] = [
    ("fdatasync", &["EIO"]),
    ("fsync", &["EIO"]),
    ("syncfs", &["EIO"]),
    ("pwrite64", &["EIO", "ENOSPC"]),
    ("rename", &["EIO", "ENOSPC"]),
    ("mkdir", &["ENOSPC"]),
    ("unlink", &["EIO"]),
    ("ftruncate", &["EIO"]),
    ("fallocate", &["ENOSPC"]),
];
/// More of one call than any delivery has.
const MOST: u32 = 60;
/// After the answer, until files, metadata and a checkpoint are written.
const AFTERWARDS: Duration = Duration::from_millis(2500);
const PEOPLE: usize = 2;
const SETTINGS: &str = "[store.checkpoint]\ninterval = \"1s\"\n";

/// What is done while a call fails.
#[derive(Debug, Clone, Copy)]
struct Deed {
    way: Way,
    size: usize,
}

/// Small ones travel in a journal's record, large ones are files.
const DEEDS: [Deed; 4] = [
    Deed {
        way: Way::Lmtp,
        size: 2_000,
    },
    Deed {
        way: Way::Lmtp,
        size: 200_000,
    },
    Deed {
        way: Way::Smtp,
        size: 2_000,
    },
    Deed {
        way: Way::Smtp,
        size: 200_000,
    },
];

impl Deed {
    fn daemon(self) -> &'static str {
        match self.way {
            Way::Lmtp => STORE,
            Way::Smtp => MTA,
        }
    }
}

struct Bench {
    town: Town,
    ledger: Arc<Ledger>,
    models: Vec<Model>,
    census: Census,
    summary: Summary,
    random: StdRng,
    number: u32,
}

/// Why such a run cannot be had here, if so.
pub fn missing() -> Option<String> {
    let traced = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .stdin(Stdio::null())
        .status();
    match traced {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("strace may not trace here ({status})")),
        Err(error) => Some(format!("strace cannot be run ({error})")),
    }
}

/// Every call of every deed, one after the other.
pub fn failing_calls(seed: u64) -> Summary {
    let mut bench = Bench::new("failing-calls", seed);
    for deed in DEEDS {
        for (call, errors) in CALLS {
            for error in errors {
                let fired = bench.every(deed, call, error);
                println!(
                    "{:?} of {} octets: {call} {error}: failed {fired} times",
                    deed.way, deed.size
                );
                if *error == "EIO" && call == "fdatasync" && fired == 0 {
                    let text = format!("{deed:?} was acknowledged without a sync");
                    bench.summary.wrong.push(text);
                }
                if !bench.summary.wrong.is_empty() {
                    return bench.end();
                }
            }
        }
    }
    bench.end()
}

/// The proof: where syncs do nothing, there is none that could fail, and that is found.
pub fn prove_failing_calls(seed: u64) -> Summary {
    let mut bench = Bench::new(
        "failing-calls with syncs that do nothing (must find losses)",
        seed,
    );
    for daemon in [MTA, STORE] {
        bench.town.stop(daemon);
    }
    bench.town.preload(Some(PathBuf::from(EATMYDATA)));
    for daemon in [STORE, MTA] {
        bench.town.run(daemon);
        bench.town.ready(daemon);
    }
    for deed in DEEDS {
        if bench.every(deed, "fdatasync", "EIO") == 0 {
            let text = format!("{deed:?} is lost if the power goes: acknowledged without a sync");
            bench.summary.wrong.push(text);
        }
    }
    bench.summary.rounds = 1;
    bench.end()
}

impl Bench {
    fn new(name: &str, seed: u64) -> Self {
        Self {
            town: Town::start(SETTINGS, PEOPLE),
            ledger: Arc::default(),
            models: vec![Model::default(); PEOPLE],
            census: Census::default(),
            summary: Summary::new(name, seed),
            random: StdRng::seed_from_u64(seed),
            number: 0,
        }
    }

    fn end(mut self) -> Summary {
        self.summary.count(&self.ledger, &self.models);
        self.summary
    }

    /// Lets the first, the second, … call fail until there is none. How often one did.
    fn every(&mut self, deed: Deed, call: &str, error: &str) -> u32 {
        let mut fired = 0;
        for n in 1..=MOST {
            let when = format!("{:?} of {} octets, {call} {n} {error}", deed.way, deed.size);
            if !self.once(deed, call, error, n, &when) {
                break;
            }
            fired += 1;
            self.summary.rounds += 1;
            if !self.summary.wrong.is_empty() {
                break;
            }
        }
        fired
    }

    /// One deed with one call that fails. Whether it was made at all.
    fn once(&mut self, deed: Deed, call: &str, error: &str, n: u32, when: &str) -> bool {
        let daemon = deed.daemon();
        let before = self.town.log(daemon).len();
        let tracer = Tracer::attach(&self.town, daemon, call, error, n);
        self.send(deed, when);
        pass(AFTERWARDS);
        let fired = tracer.detach();
        if !fired {
            self.settle(when);
            return false;
        }
        let log = self.town.log(daemon);
        let said = log.get(before..).unwrap_or_default().to_owned();
        self.listen(&said, call, when);
        if said.contains("the journal has failed") {
            let taken = self.send(deed, when);
            if taken.iter().any(|said| matches!(said, Said::Accepted(_))) {
                self.summary
                    .wrong
                    .push(format!("{when}: mail is taken after the failure"));
            }
        }
        self.town.kill(daemon);
        self.town.run(daemon);
        self.town.ready(daemon);
        self.settle(when);
        true
    }

    /// Hands one message over to everybody.
    fn send(&mut self, deed: Deed, when: &str) -> Vec<Said> {
        self.number += 1;
        let token = format!("{:?}-call-{}", deed.way, self.number);
        let letter = Letter::sized(token, deed.size, &mut self.random);
        self.ledger.wrote(&letter);
        let people = self.town.people().to_vec();
        let mut said = vec![Said::Nothing; people.len()];
        let service = match deed.way {
            Way::Lmtp => "lmtp",
            Way::Smtp => "smtp",
        };
        if let Ok(mut sender) = Sender::connect(deed.way, self.town.port(service)) {
            drop(sender.hand_over(&letter, &people, &mut said));
        }
        for (person, said) in said.iter().enumerate() {
            if let Said::Refused(reply) = said
                && !reply.starts_with('4')
            {
                self.summary
                    .wrong
                    .push(format!("{when}: refused for good: {reply}"));
            }
            let key = (letter.token.clone(), person);
            self.ledger.note(key, deed.way, self.number, said.clone());
        }
        said
    }

    /// A call that failed must be in the log, with what it was done to.
    fn listen(&mut self, said: &str, call: &str, when: &str) {
        let names = |line: &&str| {
            let cause = [
                "Input/output error",
                "No space left",
                "disk I/O error",
                "is full",
                "os error",
            ];
            let place = ["/store", "/queue", "metadata"];
            let contains = |words: &[&str]| words.iter().any(|word| line.contains(word));
            (line.contains("WARN") || line.contains("ERROR"))
                && contains(&cause)
                && contains(&place)
        };
        if !said.lines().any(|line| names(&line)) {
            let lines: Vec<&str> = said.lines().rev().take(8).collect();
            let text = lines.join("\n    ");
            self.summary.wrong.push(format!(
                "{when}: {call} failed, and no line says so:\n    {text}"
            ));
        }
    }

    fn settle(&mut self, when: &str) {
        if let Err(why) = self.town.drain_queue(DRAIN_MAX) {
            self.summary.wrong.push(format!("{when}: {why}"));
            return;
        }
        let leniency = Leniency {
            refused_may_stay: true,
        };
        let checked =
            self.census
                .check(&self.town, &self.ledger, &mut self.models, leniency, false);
        match checked {
            Ok(report) => {
                self.summary.add(report, when);
            }
            Err(lost) => {
                let text = format!("{when}: a mailbox cannot be read: {}", lost.0);
                self.summary.wrong.push(text);
            }
        }
    }
}

/// strace on a daemon.
struct Tracer {
    child: Child,
    output: PathBuf,
}

impl Tracer {
    fn attach(town: &Town, daemon: &str, call: &str, error: &str, n: u32) -> Self {
        let pid = town.pid(daemon);
        let output = town.suite().scratch().join("strace");
        let child = Command::new("strace")
            .args(["-f", "-qq", "-p", &pid.to_string()])
            .arg("-e")
            .arg(format!("trace={call}"))
            .arg("-e")
            .arg(format!("inject={call}:error={error}:when={n}"))
            .arg("-o")
            .arg(&output)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(
            "strace to hold every thread",
            Duration::from_secs(30),
            || {
                let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
                let held = |thread: fs::DirEntry| {
                    let status =
                        fs::read_to_string(thread.path().join("status")).unwrap_or_default();
                    !status.contains("TracerPid:\t0\n")
                };
                threads.flatten().all(held).then_some(())
            },
        );
        Self { child, output }
    }

    /// Lets the daemon go. Whether a call failed.
    fn detach(mut self) -> bool {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        if kill(pid, Signal::SIGTERM).is_err() {
            println!("strace has ended with its daemon");
        }
        self.child.wait().unwrap();
        fs::read_to_string(&self.output)
            .unwrap_or_default()
            .contains("(INJECTED)")
    }
}
