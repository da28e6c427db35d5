//! What a source holds: found by looking at names and first octets, without reading the mail.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use roost_mime::header::Fields;

use super::{maildir, mbox};

/// Folders below folders that are followed.
pub(super) const DEPTH_MAX: usize = 32;

/// Every message of a source, and the folders that hold them.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// Names from the top; an empty one is the top itself.
    pub(super) folders: Vec<Vec<String>>,
    pub(super) files: Vec<PathBuf>,
    pub(super) entries: Vec<Entry>,
    /// What is there and cannot be looked at, such as a link to a file that is gone; with the reason.
    pub(super) unreadable: Vec<String>,
}

/// One message.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Index in [`Source::folders`].
    pub(super) folder: usize,
    /// Index in [`Source::files`].
    pub(super) file: usize,
    pub(super) part: Part,
    pub(super) flags: Vec<String>,
    /// When it arrived, where the source says so better than the message.
    pub(super) arrived: Option<Timestamp>,
}

/// Which octets of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them.
    Whole,
    /// One message of an mbox, without its `From ` line.
    Mbox { start: u64, end: u64 },
}

impl Entry {
    /// The message as an error names it.
    pub(super) fn shown(&self, source: &Source) -> String {
        let file = source.files.get(self.file).map(|path| path.display());
        match (file, self.part) {
            (None, _) => "?".to_owned(),
            (Some(file), Part::Whole) => file.to_string(),
            (Some(file), Part::Mbox { start, .. }) => format!("{file} at octet {start}"),
        }
    }
}

impl Source {
    /// Looks at a Maildir, an mbox file, a message, or a folder with any of them.
    pub(super) fn scan(path: &Path) -> io::Result<Self> {
        let mut source = Self::default();
        if fs::metadata(path)?.is_dir() {
            source.scan_folder(path, &[], 0)?;
        } else if is_mbox(path)? {
            source.add_mbox(path, &[])?;
        } else if is_message(path)? {
            source.add_message(path, &[])?;
        }
        if source.entries.is_empty() && source.folders.is_empty() && source.unreadable.is_empty() {
            return Err(io::Error::other(
                "no mail found (expected a Maildir, an mbox file, or a folder of .eml files)",
            ));
        }
        Ok(source)
    }

    fn scan_folder(&mut self, path: &Path, name: &[String], depth: usize) -> io::Result<()> {
        if maildir::is_one(path) {
            return maildir::scan(self, path, name, depth);
        }
        if depth > DEPTH_MAX {
            return Ok(());
        }
        for entry in sorted(path)? {
            let Some(own) = entry
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
            else {
                continue;
            };
            if own.starts_with('.') {
                continue;
            }
            let Some(kind) = self.look(&entry) else {
                continue;
            };
            if kind.is_dir() {
                self.scan_folder(&entry, &below(name, own), depth + 1)?;
            } else if is_message_name(&own) {
                self.add_message(&entry, name)?;
            } else if is_mbox(&entry)? {
                let stem = own.strip_suffix(".mbox").unwrap_or(&own);
                self.add_mbox(&entry, &below(name, stem.to_owned()))?;
            }
        }
        Ok(())
    }

    /// What a path leads to; where it leads nowhere, that is noted.
    pub(super) fn look(&mut self, path: &Path) -> Option<fs::Metadata> {
        match fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) => {
                let what = match fs::symlink_metadata(path).is_ok_and(|own| own.is_symlink()) {
                    true => "a link that leads nowhere: ",
                    false => "",
                };
                self.unreadable
                    .push(format!("{}: {what}{error}", path.display()));
                None
            }
        }
    }

    /// The index of a folder, which is added if it is new.
    pub(super) fn folder(&mut self, name: &[String]) -> usize {
        if let Some(index) = self.folders.iter().position(|known| known == name) {
            return index;
        }
        self.folders.push(name.to_vec());
        self.folders.len() - 1
    }

    /// The index of a new file.
    pub(super) fn file(&mut self, path: PathBuf) -> usize {
        self.files.push(path);
        self.files.len() - 1
    }

    fn add_message(&mut self, path: &Path, name: &[String]) -> io::Result<()> {
        let entry = Entry {
            folder: self.folder(name),
            file: self.file(path.to_owned()),
            part: Part::Whole,
            flags: Vec::new(),
            arrived: None,
        };
        self.entries.push(entry);
        Ok(())
    }

    fn add_mbox(&mut self, path: &Path, name: &[String]) -> io::Result<()> {
        let folder = self.folder(name);
        let file = self.file(path.to_owned());
        for found in mbox::scan(File::open(path)?)? {
            self.entries.push(Entry {
                folder,
                file,
                part: Part::Mbox {
                    start: found.start,
                    end: found.end,
                },
                flags: found.flags,
                arrived: found.arrived,
            });
        }
        Ok(())
    }
}

/// `name` with one part more.
pub(super) fn below(name: &[String], part: String) -> Vec<String> {
    let mut name = name.to_vec();
    name.push(part);
    name
}

/// What a directory holds, by name: runs are alike.
pub(super) fn sorted(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

fn is_message_name(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| {
        extension.eq_ignore_ascii_case("eml") || extension.eq_ignore_ascii_case("msg822")
    })
}

/// Whether a file that was named alone is a message: by its name, or by a field in its header that
/// every message has one of.
fn is_message(path: &Path) -> io::Result<bool> {
    const HEADER_MAX: u64 = 64 << 10;
    const FIELDS: [&str; 6] = [
        "From",
        "Date",
        "Received",
        "Return-Path",
        "Message-ID",
        "Subject",
    ];
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    if name.is_some_and(|name| is_message_name(&name)) {
        return Ok(true);
    }
    let mut start = Vec::new();
    File::open(path)?.take(HEADER_MAX).read_to_end(&mut start)?;
    let mut fields = Fields::new(&start);
    Ok(fields.any(|field| FIELDS.iter().any(|name| field.is(name))))
}

fn is_mbox(path: &Path) -> io::Result<bool> {
    let mut first = [0; 5];
    match File::open(path)?.read_exact(&mut first) {
        Ok(()) => Ok(&first == b"From "),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_messages_mailboxes_and_folders() {
        let top = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = top.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("a.eml", "Subject: a\n\na\n");
        put("notes.txt", "nothing");
        put(".hidden.eml", "Subject: h\n\n");
        put("Work/b.EML", "Subject: b\n\nb\n");
        put(
            "Old/Sent.mbox",
            "From a Tue Nov 24 10:00:00 2026\nSubject: c\n\nc\n",
        );
        let source = Source::scan(top.path()).unwrap();
        let found: Vec<(String, Part)> = source
            .entries
            .iter()
            .map(|entry| (source.folders[entry.folder].join("/"), entry.part))
            .collect();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].0, "Old/Sent");
        assert_eq!(found[1], ("Work".to_owned(), Part::Whole));
        assert_eq!(found[2], (String::new(), Part::Whole));
    }

    #[test]
    fn links_that_lead_nowhere_are_noted() {
        let top = tempfile::tempdir().unwrap();
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(top.path().join("Mail").join(part)).unwrap();
        }
        fs::write(top.path().join("Mail/cur/1.a:2,S"), "Subject: a\n\na\n").unwrap();
        fs::write(top.path().join("real"), "Subject: b\n\nb\n").unwrap();
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(top.path().join(to), top.path().join(name)).unwrap();
        };
        link("gone", "Mail/cur/2.b:2,S");
        link("real", "Mail/new/3.c");
        link("gone", "Mail/.Sent");
        link("gone", "old.eml");
        let source = Source::scan(top.path()).unwrap();
        assert_eq!(source.entries.len(), 2);
        assert_eq!(source.unreadable.len(), 3, "{:?}", source.unreadable);
        for name in ["Mail/cur/2.b:2,S", "Mail/.Sent", "old.eml"] {
            let shown = top.path().join(name).display().to_string();
            let noted = source
                .unreadable
                .iter()
                .any(|what| what.starts_with(&format!("{shown}: a link that leads nowhere")));
            assert!(noted, "{name}: {:?}", source.unreadable);
        }
    }

    #[test]
    fn a_file_named_alone_must_be_mail() {
        let top = tempfile::tempdir().unwrap();
        for (text, is_one) in [
            ("Received: x\nSubject: y\n\nbody\n", true),
            ("root:x:0:0\ndaemon:x:1:1\n", false),
            ("X-Only: y\n\nSubject: in the body\n", false),
        ] {
            let path = top.path().join("file");
            fs::write(&path, text).unwrap();
            assert_eq!(Source::scan(&path).is_ok(), is_one, "{text}");
        }
    }

    #[test]
    fn a_source_without_mail_says_what_was_expected() {
        let top = tempfile::tempdir().unwrap();
        let error = Source::scan(top.path()).unwrap_err();
        assert!(error.to_string().contains("Maildir"), "{error}");
    }
}
