//! Maildir, with flags in file names and sub-folders as Maildir++ (`.Sent`, `.Work.2026`) or as
//! plain directories.

use std::fs;
use std::io;
use std::path::Path;

use super::folder::maildir_part;
use super::source::{Entry, Part, Source, below, sorted};

/// Dovecot's list of keywords: `0 Junk` means that the flag letter `a` is `Junk`.
const KEYWORDS_FILE: &str = "dovecot-keywords";

pub(super) fn is_one(path: &Path) -> bool {
    path.join("cur").is_dir() && path.join("new").is_dir()
}

/// Adds the messages of a Maildir and of the ones below it.
pub(super) fn scan(
    source: &mut Source,
    path: &Path,
    name: &[String],
    depth: usize,
) -> io::Result<()> {
    let keywords = keywords(path)?;
    let folder = source.folder(name);
    let mut messages = Vec::new();
    for part in ["cur", "new"] {
        for file in sorted(&path.join(part))? {
            if let Some(kind) = source.look(&file)
                && kind.is_file()
            {
                messages.push((file, kind));
            }
        }
    }
    // Names begin with the time of delivery: the order of arrival, over both directories.
    messages.sort_by(|(one, _), (other, _)| one.file_name().cmp(&other.file_name()));
    for (file, kind) in messages {
        let file_name = file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        if file_name.as_ref().is_some_and(|name| name.starts_with('.')) {
            continue;
        }
        let modified = kind.modified()?;
        let entry = Entry {
            folder,
            file: source.file(file),
            part: Part::Whole,
            flags: flags(&file_name.unwrap_or_default(), &keywords),
            // Servers keep IMAP's INTERNALDATE there.
            arrived: jiff::Timestamp::try_from(modified).ok(),
        };
        source.entries.push(entry);
    }
    for entry in sorted(path)? {
        let Some(own) = entry
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
        else {
            continue;
        };
        if source.look(&entry).is_none() {
            continue;
        }
        if !is_one(&entry) || depth > super::source::DEPTH_MAX {
            continue;
        }
        let name = match own.strip_prefix('.') {
            Some(dotted) => dotted
                .split('.')
                .fold(name.to_vec(), |name, part| below(&name, maildir_part(part))),
            None => below(name, maildir_part(&own)),
        };
        scan(source, &entry, &name, depth + 1)?;
    }
    Ok(())
}

/// The IMAP flags that the name of a file says, after `:2,` (or `;2,`, where colons are not allowed).
fn flags(file_name: &str, keywords: &[Option<String>]) -> Vec<String> {
    let info = file_name
        .rsplit_once(":2,")
        .or_else(|| file_name.rsplit_once(";2,"));
    let Some((_, letters)) = info else {
        return Vec::new();
    };
    letters
        .chars()
        .filter_map(|letter| match letter {
            'D' => Some("\\Draft".to_owned()),
            'F' => Some("\\Flagged".to_owned()),
            'P' => Some("$Forwarded".to_owned()),
            'R' => Some("\\Answered".to_owned()),
            'S' => Some("\\Seen".to_owned()),
            'T' => Some("\\Deleted".to_owned()),
            'a'..='z' => {
                let index = u32::from(letter) - u32::from('a');
                keywords.get(usize::try_from(index).ok()?)?.clone()
            }
            _ => None,
        })
        .collect()
}

fn keywords(path: &Path) -> io::Result<Vec<Option<String>>> {
    let text = match fs::read_to_string(path.join(KEYWORDS_FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut keywords = vec![None; 26];
    for line in text.lines() {
        if let Some((index, name)) = line.split_once(' ')
            && let Ok(index) = index.parse::<usize>()
            && let Some(slot) = keywords.get_mut(index)
            && is_keyword(name)
        {
            *slot = Some(name.to_owned());
        }
    }
    Ok(keywords)
}

/// Whether a name can be sent as a flag: an atom of RFC 9051 §9, not a system flag.
fn is_keyword(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_the_flags() {
        let keywords = [Some("Junk".to_owned()), None];
        for (name, expected) in [
            ("1.a.host:2,FS", vec!["\\Flagged", "\\Seen"]),
            (
                "1.a.host,S=5:2,DRTPa",
                vec!["\\Draft", "\\Answered", "\\Deleted", "$Forwarded", "Junk"],
            ),
            ("1.a.host;2,S", vec!["\\Seen"]),
            ("1.a.host:2,bz", vec![]),
            ("1.a.host", vec![]),
        ] {
            assert_eq!(flags(name, &keywords), expected, "{name}");
        }
    }

    #[test]
    fn sub_folders_are_found_in_both_layouts() {
        let top = tempfile::tempdir().unwrap();
        let mail = |folder: &str, part: &str, name: &str| {
            for part in ["cur", "new", "tmp"] {
                fs::create_dir_all(top.path().join(folder).join(part)).unwrap();
            }
            let path = top.path().join(folder).join(part).join(name);
            fs::write(path, "Subject: x\n\nx\n").unwrap();
        };
        mail("", "cur", "2.b:2,S");
        mail("", "new", "1.a");
        mail(".Sent", "cur", "3.c:2,S");
        mail(".Work.Entw&APw-rfe", "cur", "4.d:2,D");
        mail("Plain", "new", "5.e");
        fs::write(top.path().join("tmp/6.f"), "half").unwrap();
        let mut source = Source::default();
        scan(&mut source, top.path(), &[], 0).unwrap();
        let found: Vec<(String, usize)> = source
            .entries
            .iter()
            .map(|entry| (source.folders[entry.folder].join("/"), entry.flags.len()))
            .collect();
        let expected = [
            ("", 0),
            ("", 1),
            ("Sent", 1),
            ("Work/Entwürfe", 1),
            ("Plain", 0),
        ];
        assert_eq!(
            found,
            expected.map(|(name, flags)| (name.to_owned(), flags))
        );
    }
}
