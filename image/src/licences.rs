//! The licences of the libraries that are inside the programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use crate::run::Run;
use crate::source::Source;

/// A library inside the programs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Library {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) licence: String,
    folder: std::path::PathBuf,
}

/// Every foreign library that is linked, sorted.
pub(crate) fn libraries(source: &Source) -> anyhow::Result<Vec<Library>> {
    let text = Run::new("cargo")
        .folder(&source.root)
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .text()?;
    let metadata: Value = serde_json::from_str(&text)?;
    let linked = linked(&metadata).context("cargo metadata has another form")?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut found: Vec<Library> = packages
        .filter(|package| package["source"].is_string())
        .filter(|package| package["id"].as_str().is_some_and(|id| linked.contains(id)))
        .map(|package| Library {
            name: text_of(&package["name"]),
            version: text_of(&package["version"]),
            licence: text_of(&package["license"]),
            folder: Path::new(&text_of(&package["manifest_path"]))
                .parent()
                .unwrap_or(Path::new("/"))
                .to_owned(),
        })
        .collect();
    found.sort();
    Ok(found)
}

/// What our packages reach over normal dependencies: neither tests nor build scripts are shipped.
fn linked(metadata: &Value) -> Option<BTreeSet<String>> {
    let mut needs = BTreeMap::new();
    for node in metadata["resolve"]["nodes"].as_array()? {
        let normal = node["deps"].as_array()?.iter().filter(|dependency| {
            let kinds = dependency["dep_kinds"].as_array();
            kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
        });
        let ids: Vec<String> = normal.map(|one| text_of(&one["pkg"])).collect();
        needs.insert(text_of(&node["id"]), ids);
    }
    // What is only used to build and test is not shipped.
    let tools = ["/tests#", "/vm-tests#", "/image#", "/benches#"];
    let shipped = |id: &String| !tools.iter().any(|tool| id.contains(tool));
    let members = metadata["workspace_members"].as_array()?;
    let mut open: Vec<String> = members.iter().map(text_of).filter(shipped).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if seen.insert(id.clone()) {
            open.extend(needs.get(&id).into_iter().flatten().cloned());
        }
    }
    Some(seen)
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The notices of all libraries; each text once, with whom it covers.
pub(crate) fn notices(libraries: &[Library]) -> anyhow::Result<String> {
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut summary = String::from(
        "Roost's programs contain these libraries. Their licences follow, each text once.\n\n",
    );
    for library in libraries {
        let name = format!("{} {}", library.name, library.version);
        writeln!(summary, "{name}: {}", library.licence)?;
        for entry in std::fs::read_dir(&library.folder)? {
            let entry = entry?;
            let file = entry.file_name().to_string_lossy().to_uppercase();
            let is_notice = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"]
                .iter()
                .any(|prefix| file.starts_with(prefix));
            if is_notice && entry.file_type()?.is_file() {
                let octets = std::fs::read(entry.path())?;
                let text = String::from_utf8_lossy(&octets).replace('\r', "");
                texts.entry(text).or_default().insert(name.clone());
            }
        }
    }
    for (text, names) in texts {
        let names: Vec<String> = names.into_iter().collect();
        write!(
            summary,
            "\n{}\n{}\n\n{}\n",
            "=".repeat(78),
            names.join(", "),
            text.trim()
        )?;
    }
    Ok(summary)
}
