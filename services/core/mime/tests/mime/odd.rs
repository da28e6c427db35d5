//! Odd messages, and what Dovecot 2.3.19 answers on them (`NAME.dovecot`, literals written as
//! quoted strings). Where Roost answers otherwise, `NAME.roost` says so, and why in its first line.

use std::fs;
use std::path::{Path, PathBuf};

use roost_mime::Structure;

use crate::imap_form;

fn messages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/odd");
    let mut messages: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .collect();
    messages.sort();
    assert!(messages.len() > 50, "the corpus is there");
    messages
}

#[test]
fn odd_messages_are_described_as_dovecot_does_or_as_written_down() {
    let mut wrong = Vec::new();
    for path in messages() {
        let message = fs::read(&path).unwrap();
        let printed = imap_form::print(&Structure::parse(&message));
        let departs = path.with_extension("roost");
        let expected = match fs::read(&departs) {
            Ok(text) => text
                .splitn(2, |&octet| octet == b'\n')
                .nth(1)
                .unwrap()
                .to_vec(),
            Err(_) => fs::read(path.with_extension("dovecot")).unwrap(),
        };
        if printed != expected.trim_ascii_end() {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            wrong.push(format!(
                "{name}\n  is  {}\n  not {}",
                text(&printed),
                text(&expected)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).trim_end().to_owned()
}
