//! `bench-logger`: roost-logger beside rsyslog, both with the same lines from the same senders, and both
//! with what they have taken on the disk before it counts: roost-logger closes a connection after its
//! last line is durable; of rsyslog it is waited for that its file, which it syncs after each batch, has
//! every octet.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use roost_kit::control::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Logging;
use crate::report::{Aim, Line, median};
use crate::scratch::Scratch;
use crate::server::{Logger, Rsyslog};

const MIB: f64 = 1024.0 * 1024.0;
/// Senders at the same time.
const SENDERS: usize = 10;
/// What is written at a time.
const PIECE: usize = 64 << 10;
/// Lines of one message.
const STEPS: usize = 5;
/// How long is waited for the last line.
const PATIENCE: Duration = Duration::from_secs(300);

/// Measures.
pub(crate) async fn run(options: Logging) -> anyhow::Result<()> {
    let scratch = Scratch::new(&options.common, "logger")?;
    let mut rates: [Vec<f64>; 2] = Default::default();
    let mut memory: [Vec<f64>; 2] = Default::default();
    let corpora: Vec<Arc<[u8]>> = (0..SENDERS)
        .map(|sender| lines(sender, options.lines / SENDERS).into())
        .collect();
    let octets: usize = corpora.iter().map(|corpus| corpus.len()).sum();
    let count = (options.lines / SENDERS * SENDERS) as f64;
    for round in 0..options.runs {
        let logger = Logger::start(scratch.path(), &format!("roost-{round}")).await?;
        let took = send(logger.address(), &corpora).await?;
        rates[0].push(count / took.as_secs_f64());
        memory[0].push(logger.tree().private_memory()? as f64);
        let stored: Value = logger.control().get("/status").await?;
        wait_for_lines(&logger.control(), options.lines as u64).await?;
        ensure!(stored["shed"] == 0, "lines were turned away");
        let name = format!("rsyslog-{round}");
        let rsyslog = Rsyslog::start(scratch.path(), &name).await?;
        let began = Instant::now();
        send(rsyslog.address(), &corpora).await?;
        wait_for_size(rsyslog.file(), octets as u64).await?;
        rates[1].push(count / began.elapsed().as_secs_f64());
        memory[1].push(rsyslog.tree().private_memory()? as f64);
        if round + 1 < options.runs {
            logger.end()?;
            fs::remove_file(rsyslog.file())?;
            fs::remove_dir_all(scratch.path().join(format!("roost-{round}")))?;
            continue;
        }
        Line {
            name: "logger-lines".to_owned(),
            roost: median(rates[0].clone()),
            peer: median(rates[1].clone()),
            unit: "/s",
            more_is_better: true,
            bar: Aim::Ratio(1.0),
            goal: Aim::Ratio(2.0),
            beside: format!("senders={SENDERS} lines={} peer-is=rsyslog", options.lines),
        }
        .print();
        Line {
            name: "logger-memory".to_owned(),
            roost: median(memory[0].clone()) / MIB,
            peer: median(memory[1].clone()) / MIB,
            unit: "MiB",
            more_is_better: false,
            bar: Aim::AtMost(60.0),
            goal: Aim::AtMost(30.0),
            beside: "peer-is=rsyslog".to_owned(),
        }
        .print();
        trace(&logger, rsyslog.file(), options.lines).await?;
        let kept = logger.end()?;
        Line {
            name: "logger-disk".to_owned(),
            roost: kept as f64 / MIB,
            peer: octets as f64 / MIB,
            unit: "MiB",
            more_is_better: false,
            bar: Aim::Ratio(5.0),
            goal: Aim::Ratio(10.0),
            beside: "peer-is=plain-text index=included".to_owned(),
        }
        .print();
    }
    Ok(())
}

/// One message of many: by the index, and by grep through the same lines.
async fn trace(logger: &Logger, file: &Path, lines: usize) -> anyhow::Result<()> {
    let messages = lines / SENDERS / STEPS;
    let mut ours = Vec::new();
    let mut peers = Vec::new();
    for round in 0..7 {
        let id = queue_id(round % SENDERS, messages * (round + 1) / 9);
        let began = Instant::now();
        let question = json!({ "queue_id": id });
        let answer: Value = logger
            .control()
            .send("POST".parse()?, "/trace", &question)
            .await?;
        ours.push(began.elapsed().as_secs_f64() * 1e3);
        let events = answer["stories"][0]["events"]
            .as_array()
            .map_or(0, Vec::len);
        ensure!(events == STEPS, "{events} lines about {id}: {answer}");
        let began = Instant::now();
        let found = Command::new("grep")
            .args(["--fixed-strings", &id])
            .arg(file)
            .env("LC_ALL", "C")
            .output()?;
        peers.push(began.elapsed().as_secs_f64() * 1e3);
        let found = found.stdout.iter().filter(|octet| **octet == b'\n').count();
        ensure!(found == STEPS, "grep finds {found} lines about {id}");
    }
    Line {
        name: "logger-trace".to_owned(),
        roost: median(ours),
        peer: median(peers),
        unit: "ms",
        more_is_better: false,
        bar: Aim::Ratio(50.0),
        goal: Aim::Ratio(1000.0),
        beside: format!("lines={lines} peer-is=grep"),
    }
    .print();
    Ok(())
}

/// Sends each corpus over a connection of its own, and waits until the other side has closed them all.
async fn send(to: SocketAddr, corpora: &[Arc<[u8]>]) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for corpus in corpora {
        let corpus = Arc::clone(corpus);
        senders.spawn(async move {
            let mut stream = TcpStream::connect(to).await?;
            for piece in corpus.chunks(PIECE) {
                stream.write_all(piece).await?;
            }
            stream.shutdown().await?;
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent?.context("a sender")?;
    }
    Ok(began.elapsed())
}

async fn wait_for_size(file: &Path, octets: u64) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let size = fs::metadata(file).map_or(0, |file| file.len());
        if size >= octets {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "{size} of {octets} octets");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn wait_for_lines(client: &Client, lines: u64) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let status: Value = client.get("/status").await?;
        let stored = status["lines"].as_u64().unwrap_or(0);
        if stored >= lines / SENDERS as u64 * SENDERS as u64 {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "{stored} of {lines} lines");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The name of a sender's message, as the mta gives it.
fn queue_id(sender: usize, message: usize) -> String {
    let mixed = (message as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (sender as u64) << 60;
    format!("{mixed:016X}{sender}")
}

/// The mail log of one node: the lines of messages one after the other.
fn lines(sender: usize, count: usize) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(sender as u64);
    let mut text = String::with_capacity(count * 320);
    let host = format!("mx{sender}.example.test");
    let mut micros = 0_u64;
    for line in 0..count {
        let (message, step) = (line / STEPS, line % STEPS);
        micros += random.random_range(100..20_000);
        let second = micros / 1_000_000 % 86_400;
        let time = format!(
            "2026-11-24T{:02}:{:02}:{:02}.{:06}Z",
            second / 3600,
            second / 60 % 60,
            second % 60,
            micros % 1_000_000
        );
        let id = queue_id(sender, message);
        // The same for all lines of a message.
        let mut of_message = StdRng::seed_from_u64((message * SENDERS + sender) as u64);
        let from = format!(
            "user{}@client{}.example",
            of_message.random_range(0..20_000),
            of_message.random_range(0..500)
        );
        let to = format!("person{}@example.test", of_message.random_range(0..5_000));
        let peer = format!(
            "192.0.2.{}:{}",
            of_message.random_range(1..255),
            of_message.random_range(1024..65_000)
        );
        let identity = format!(
            "{:016x}.{}@client.example",
            of_message.random::<u64>(),
            of_message.random_range(0..100_000)
        );
        let size = of_message.random_range(900..90_000);
        let (daemon, data, event) = match step {
            0 => (
                "roost-mta",
                format!(
                    "target=\"roost_mta::inbound::accept\" queue_id=\"{id}\" peer=\"{peer}\" with=\"ESMTPS\" message_id=\"<{identity}>\" subject_hash=\"{:016x}\" from=\"<{from}>\" recipients=\"{to}\" size=\"{size}\"",
                    of_message.random::<u64>()
                ),
                "accepted",
            ),
            1 => (
                "roost-store",
                format!(
                    "target=\"roost_store::lmtp::deliver\" session=\"{:010x}\" queue_id=\"{id}\" from=\"<{from}>\" to=\"{to}\" message_id=\"<{identity}>\" size=\"{size}\" account=\"{to}\" folder=\"INBOX\" dsn=\"2.1.5\" reply=\"250 2.1.5 Delivered as {:010x}.0\" outcome=\"delivered\"",
                    of_message.random::<u64>() >> 24,
                    of_message.random::<u64>() >> 24
                ),
                "delivered",
            ),
            2 => (
                "roost-mta",
                format!(
                    "target=\"roost_mta::dispatch::deliver\" queue_id=\"{id}\" from=\"<{from}>\" to=\"{to}\" relay=\"store1.example.test[10.0.0.7]:7025\" delay=\"0.{:03}\" dsn=\"2.1.5\" outcome=\"sent\" reply=\"250 2.1.5 Delivered as {:010x}.0\"",
                    of_message.random_range(1..999),
                    of_message.random::<u64>() >> 24
                ),
                "delivery",
            ),
            3 => (
                "roost-mta",
                format!("target=\"roost_mta::dispatch::deliver\" queue_id=\"{id}\""),
                "done",
            ),
            _ => (
                "roost-mta",
                format!(
                    "target=\"roost_mta::inbound::serve\" peer=\"{peer}\" queue_id=\"{id}\" octets_in=\"{size}\" octets_out=\"{}\"",
                    of_message.random_range(200..900)
                ),
                "session ended",
            ),
        };
        text.push_str(&format!(
            "<22>1 {time} {host} {daemon} {} - [roost@32473 {data}] {event}\n",
            700 + step
        ));
    }
    text.into_bytes()
}
