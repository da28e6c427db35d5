//! What transcripts of both sides share: their lines, and how expectations are compared.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A line of a transcript, with where it stands.
pub(crate) struct Line {
    pub(crate) at: String,
    pub(crate) text: String,
}

/// The dialogues of every transcript in a folder: each begins with a line `given …`.
pub(crate) fn dialogues(folder: &str) -> Vec<Vec<Line>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("transcripts")
        .join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut dialogues: Vec<Vec<Line>> = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for (number, text) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let text = text.trim_end().to_owned();
            let at = format!("{name}:{}", number + 1);
            match text.as_str() {
                "" => {}
                _ if text.starts_with('#') => {}
                _ if text.starts_with("given ") => dialogues.push(vec![Line { at, text }]),
                _ => dialogues.last_mut().unwrap().push(Line { at, text }),
            }
        }
    }
    assert!(!dialogues.is_empty());
    dialogues
}

/// Escapes of transcripts: `\r`, `\n`, `\0`, `\\`, `\xNN`, and `\*N` after a character: N times that.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (code, after) = after.split_at(1);
        rest = after;
        match code {
            "r" => bytes.push(b'\r'),
            "n" => bytes.push(b'\n'),
            "0" => bytes.push(0),
            "\\" => bytes.push(b'\\'),
            "x" => {
                let (hex, after) = rest.split_at(2);
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                rest = after;
            }
            "*" => {
                let (count, after) = rest.split_once(';').unwrap();
                let last = *bytes.last().unwrap();
                bytes.extend(std::iter::repeat_n(
                    last,
                    count.parse::<usize>().unwrap() - 1,
                ));
                rest = after;
            }
            other => panic!("no such escape: {other}"),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// `...` at the end stands for anything.
pub(crate) fn matches(expected: &str, actual: &str) -> bool {
    match expected.strip_suffix("...") {
        Some(start) => actual.starts_with(start),
        None => actual == expected,
    }
}

/// `30s`, `5m`, `2h`.
pub(crate) fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => panic!("no such unit: {unit}"),
    };
    Duration::from_secs(number.parse::<u64>().unwrap() * seconds)
}

/// Runs a future that never waits.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the table never waits"),
    }
}
