//! The table of RFCs in `lib.rs` names modules and transcripts that exist, and every transcript.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::transcript;

#[test]
fn the_table_of_rfcs_names_what_there_is() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let text = fs::read_to_string(source.join("lib.rs")).unwrap();
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
        .skip(1);
    let mut named = BTreeSet::new();
    let mut count = 0;
    for row in rows {
        let columns: Vec<_> = row
            .trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let [rfc, _, modules, transcripts] = columns.as_slice() else {
            panic!("row {row:?}")
        };
        assert!(
            rfc.chars().all(|c| c.is_ascii_digit()),
            "{rfc:?} is no RFC number"
        );
        for module in modules.split(", ") {
            let file = module.trim_matches('`').replace("::", "/");
            assert!(
                source.join(format!("{file}.rs")).is_file(),
                "no module {module}"
            );
        }
        for transcript in transcripts.split(", ").filter(|name| !name.is_empty()) {
            let path = transcript::folder().join(format!("{transcript}.txt"));
            assert!(path.is_file(), "no transcript {transcript}");
            named.insert(transcript.to_owned());
        }
        count += 1;
    }
    assert!(count > 20, "{count} rows");
    for entry in fs::read_dir(transcript::folder()).unwrap() {
        let name = entry
            .unwrap()
            .path()
            .file_stem()
            .unwrap()
            .display()
            .to_string();
        assert!(named.contains(&name), "transcript {name} is in no row");
    }
}
