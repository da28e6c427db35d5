//! What the steps tell the console: problems, each in a file of its own below `/run/roost-appliance`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::system;

const PROBLEMS: &str = "/run/roost-appliance/problems";

/// Notes what is wrong and what to do, under a step's name; None once it is well.
pub(crate) fn problem(step: &str, what: Option<&str>) -> anyhow::Result<()> {
    let path = Path::new(PROBLEMS).join(step);
    match what {
        Some(what) => system::write(&path, what, 0o644).map(drop),
        None if path.exists() => Ok(fs::remove_file(path)?),
        None => Ok(()),
    }
}

/// Everything that is wrong, by step.
pub(crate) fn problems() -> BTreeMap<String, String> {
    let entries = fs::read_dir(PROBLEMS).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            Some((name, system::read(&entry.path())?))
        })
        .collect()
}
