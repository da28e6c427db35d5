//! The table in `lib.rs` names modules and transcripts that exist, and leaves out none.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_table_of_rfcs_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lib = std::fs::read_to_string(root.join("src/lib.rs")).unwrap();
    let rows = lib.lines().filter_map(|line| line.strip_prefix("//! | "));
    let mut played = BTreeSet::new();
    for row in rows.filter(|row| row.starts_with(|char: char| char.is_ascii_digit())) {
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        let &[_, _, modules, transcripts, _] = columns.as_slice() else {
            panic!("not four columns: {row}");
        };
        for module in modules.split(", ") {
            let file = format!("src/{}.rs", module.trim_matches('`').replace("::", "/"));
            assert!(root.join(&file).exists(), "no {file}: {row}");
        }
        for name in transcripts.split(", ").filter(|name| !name.is_empty()) {
            let file = format!("transcripts/{name}.txt");
            assert!(root.join(&file).exists(), "no {file}: {row}");
            played.insert(file);
        }
    }
    for file in transcripts(root, "transcripts") {
        assert!(played.contains(&file), "{file} is in no row");
    }
}

fn transcripts(root: &Path, folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(transcripts(root, &path)),
            false => files.push(path),
        }
    }
    files
}
