//! What must hold of daemons while somebody attacks them: their memory, and that others are served.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::wire::Wire;
use crate::{Suite, now, wait_for};

/// The daemons of a suite.
const DAEMONS: [&str; 4] = ["roost-directory", "roost-store", "roost-mta", "roost-proxy"];

/// Whom the bystander is.
const BYSTANDER: &str = "bob@example.test";

/// How long the bystander may wait for one round of service, on a machine that does much else.
const ROUND_MAX: Duration = Duration::from_secs(45);

/// Watches the daemons and serves as a bystander from the moment it is laid until it is lifted.
#[derive(Debug)]
pub struct Siege {
    before: BTreeMap<&'static str, (i32, u64)>,
    peaks: Arc<Mutex<BTreeMap<&'static str, u64>>>,
    rounds: Arc<AtomicU64>,
    trouble: Arc<Mutex<Option<String>>>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Siege {
    /// Begins to watch. One round is served before memory is measured: what is made once is not the
    /// attack's.
    #[track_caller]
    pub fn lay(suite: &Suite) -> Self {
        let bystander = Bystander::of(suite);
        bystander.round();
        let before = DAEMONS
            .into_iter()
            .map(|daemon| {
                let pid = suite.pid(daemon).as_raw();
                (daemon, (pid, private_kib(pid).unwrap()))
            })
            .collect();
        let mut siege = Self {
            before,
            peaks: Arc::default(),
            rounds: Arc::default(),
            trouble: Arc::default(),
            over: Arc::default(),
            threads: Vec::new(),
        };
        siege.watch();
        siege.serve(bystander);
        siege
    }

    fn watch(&mut self) {
        let (over, peaks) = (Arc::clone(&self.over), Arc::clone(&self.peaks));
        let pids: Vec<_> = self
            .before
            .iter()
            .map(|(name, (pid, _))| (*name, *pid))
            .collect();
        self.threads.push(std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                for (daemon, pid) in &pids {
                    let now = private_kib(*pid).unwrap_or(0);
                    let mut peaks = peaks.lock().unwrap();
                    let peak = peaks.entry(daemon).or_insert(0);
                    *peak = now.max(*peak);
                }
                pause(Duration::from_millis(30));
            }
        }));
    }

    fn serve(&mut self, bystander: Bystander) {
        let (over, rounds) = (Arc::clone(&self.over), Arc::clone(&self.rounds));
        let trouble = Arc::clone(&self.trouble);
        self.threads.push(std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let round = std::panic::catch_unwind(|| bystander.round());
                if let Err(panic) = round {
                    let text = panic.downcast_ref::<String>().cloned();
                    *trouble.lock().unwrap() = Some(text.unwrap_or_else(|| "?".to_owned()));
                    return;
                }
                rounds.fetch_add(1, Ordering::Relaxed);
                pause(Duration::from_millis(100));
            }
        }));
    }

    /// Waits until a bystander has been served whose round began after this call: at the height of
    /// the attack.
    #[track_caller]
    pub fn others_are_served(&self) {
        // The round that runs now may have begun before.
        let enough = self.rounds.load(Ordering::Relaxed) + 2;
        wait_for("others to be served", 2 * ROUND_MAX, || {
            if let Some(trouble) = &*self.trouble.lock().unwrap() {
                panic!("a bystander was not served: {trouble}");
            }
            (self.rounds.load(Ordering::Relaxed) >= enough).then_some(())
        });
    }

    /// Ends it. Every daemon is the process that it was, with at most so many MiB more of private
    /// memory at any time, and somebody was served.
    #[track_caller]
    pub fn lift(mut self, suite: &Suite, mib_max: u64) {
        self.others_are_served();
        self.end();
        for (daemon, (pid, before)) in &self.before {
            assert_eq!(suite.pid(daemon).as_raw(), *pid);
            let status = fs::read_to_string(format!("/proc/{pid}/comm"));
            assert!(
                status.is_ok_and(|name| name.starts_with("roost-")),
                "{daemon} is gone"
            );
            let peak = self.peaks.lock().unwrap()[daemon];
            let grown = peak.saturating_sub(*before) / 1024;
            println!("{daemon}: {} MiB, at most {grown} MiB more", before / 1024);
            assert!(
                grown <= mib_max,
                "{daemon} grew by {grown} MiB under attack, {mib_max} are allowed"
            );
        }
        let log = suite.log();
        assert!(!log.contains("panicked at"), "a task panicked");
    }

    fn end(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

impl Drop for Siege {
    fn drop(&mut self) {
        self.end();
    }
}

/// Somebody who reads and sends mail meanwhile, over new connections each time.
#[derive(Debug)]
struct Bystander {
    imap: u16,
    smtp: u16,
    login: String,
}

impl Bystander {
    fn of(suite: &Suite) -> Self {
        Self {
            imap: suite.port("imap"),
            smtp: suite.port("smtp"),
            login: format!("a LOGIN {BYSTANDER} {}", suite.password(BYSTANDER)),
        }
    }

    fn round(&self) {
        let begun = now();
        let mut imap = self.sign_in(begun);
        imap.ask("b SELECT INBOX", "b OK");
        imap.ask("c UID FETCH 1:* (FLAGS ENVELOPE)", "c OK");
        imap.ask("d LOGOUT", "d OK");
        let mut smtp = Wire::open(self.smtp);
        assert!(smtp.reply().starts_with("220 "));
        for (command, expected) in [
            ("EHLO bystander.example", "250"),
            ("MAIL FROM:<someone@outside.test>", "250"),
            ("RCPT TO:<bob@example.test>", "250"),
            ("RSET", "250"),
            ("QUIT", "221"),
        ] {
            let reply = smtp.smtp(command);
            assert!(reply.starts_with(expected), "{command}: {reply}");
        }
        let took = now() - begun;
        assert!(took < ROUND_MAX, "a round took {took:?}");
    }

    /// Signs in, and again where the machine is too busy to check passwords in time, as mail
    /// programs do.
    fn sign_in(&self, begun: Instant) -> Wire {
        loop {
            let mut imap = Wire::open(self.imap);
            imap.until("* OK");
            let said = imap.ask(&self.login, "a ").pop().unwrap_or_default();
            if said.starts_with("a OK") {
                return imap;
            }
            let temporary = said.starts_with("a NO [UNAVAILABLE]");
            assert!(temporary && now() - begun < ROUND_MAX, "{said}");
        }
    }
}

/// The private memory of a process: what would be free if it ended.
fn private_kib(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let lines = text.lines().filter(|line| line.starts_with("Private_"));
    let figures = lines.map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    figures.sum()
}

#[expect(
    clippy::disallowed_methods,
    reason = "between two looks at the daemons"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
