//! What is inside, as SPDX 2.3: the distribution's packages and the libraries of our programs.

use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use crate::run::Run;
use crate::source::Source;

/// The document.
pub(super) fn make(root: &Path, source: &Source, name: &str) -> anyhow::Result<String> {
    let listed = Run::new("dpkg-query")
        .arg(format!("--admindir={}/var/lib/dpkg", root.display()))
        .args(["-W", "-f", "${Package}\\t${Version}\\t${Architecture}\\n"])
        .text()?;
    let mut packages = Vec::new();
    for line in listed.lines() {
        let mut fields = line.split('\t');
        let (Some(package), Some(version), Some(architecture)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let url = format!("pkg:deb/debian/{package}@{version}?arch={architecture}");
        packages.push(entry(
            &format!("deb-{package}"),
            package,
            version,
            "NOASSERTION",
            &url,
        ));
    }
    for library in super::libraries(source)? {
        let (name, version) = (&library.name, &library.version);
        let url = format!("pkg:cargo/{name}@{version}");
        let licence = library.licence.replace('/', " OR ");
        packages.push(entry(
            &format!("cargo-{name}-{version}"),
            name,
            version,
            &licence,
            &url,
        ));
    }
    let document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": format!("https://roost.invalid/spdx/{name}-{}", source.epoch),
        "creationInfo": {
            "created": source.time().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "creators": ["Tool: roost-image"],
        },
        "packages": packages,
    });
    serde_json::to_string_pretty(&document).context("cannot write the list")
}

fn entry(id: &str, name: &str, version: &str, licence: &str, url: &str) -> Value {
    let id: String = id
        .chars()
        .map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => letter,
            _ => '-',
        })
        .collect();
    json!({
        "SPDXID": format!("SPDXRef-{id}"),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": url,
        }],
    })
}
