//! Names of folders: in a source, and at the server.

use roost_proto_imap::grammar::utf7;

/// The name at the server, in modified UTF-7, of the source's folder `path` below `top`.
///
/// Messages at the top of a source go to `top`, or else to INBOX.
pub(super) fn wire_name(top: Option<&str>, path: &[String], delimiter: char) -> String {
    let mut parts: Vec<String> = match top {
        Some(top) => top.split('/').map(str::to_owned).collect(),
        None if path.is_empty() => vec!["INBOX".to_owned()],
        None => Vec::new(),
    };
    // A delimiter inside one name would make two of it.
    parts.extend(path.iter().map(|part| part.replace(delimiter, "_")));
    let name = parts.join(&delimiter.to_string());
    utf7::encode(&name).into_owned()
}

/// One part of a name in a Maildir: modified UTF-7 as most servers write it, else as it stands.
pub(super) fn maildir_part(name: &str) -> String {
    utf7::decode(name.as_bytes()).map_or_else(|| name.to_owned(), |name| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_keep_their_place_and_their_script() {
        let path = |parts: &[&str]| parts.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (top, parts, wire) in [
            (None, path(&[]), "INBOX"),
            (None, path(&["Sent"]), "Sent"),
            (Some("Archive"), path(&[]), "Archive"),
            (
                Some("Old/2019"),
                path(&["Sent", "a/b"]),
                "Old/2019/Sent/a_b",
            ),
            (None, path(&["Entwürfe"]), "Entw&APw-rfe"),
        ] {
            assert_eq!(wire_name(top, &parts, '/'), wire);
        }
        assert_eq!(maildir_part("Entw&APw-rfe"), "Entwürfe");
        assert_eq!(maildir_part("Entwürfe"), "Entwürfe");
    }
}
