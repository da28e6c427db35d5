//! [`Command`] → octets: what a client would send. Literals are non-synchronising, so that a command
//! is one run of octets.

use super::{Wire, astring, encoded, mailbox, quoted, spaced};
use crate::backend::FlagAction;
use crate::grammar::command::{
    AppendMessage, Command, CommandBody, Extension, Fetch, FetchItem, Fields, FieldsMatch, Key,
    List, ListForm, ListReturn, ListSelection, ModSeqCriterion, Partial, Path, Preview,
    QresyncParameter, Reply, Search, SearchReturn, Section, SectionText, Seen, Select, StatusItem,
    Store,
};
use crate::grammar::cursor::{Names, is_astring_char};
use crate::grammar::date::{print_date, print_date_time};
use crate::types::{Keyword, MailboxName, SystemFlag, SystemFlags};

impl Command {
    /// The command as a client sends it, CRLF and all.
    #[must_use]
    pub fn print(&self, names: Names) -> Vec<u8> {
        let mut wire = Vec::new();
        wire.show(format_args!("{} {}", self.tag, self.body.name()));
        arguments(&mut wire, &self.body, names);
        wire.put(b"\r\n");
        wire
    }
}

fn arguments(wire: &mut Vec<u8>, body: &CommandBody, names: Names) {
    match body {
        CommandBody::Capability
        | CommandBody::Noop
        | CommandBody::Logout
        | CommandBody::StartTls
        | CommandBody::Namespace
        | CommandBody::Idle
        | CommandBody::Check
        | CommandBody::Close
        | CommandBody::Unselect
        | CommandBody::Expunge(None) => {}
        CommandBody::Id(fields) if fields.is_empty() => wire.put(b" NIL"),
        CommandBody::Id(fields) => {
            wire.put(b" (");
            spaced(wire, fields, |wire, (name, value)| {
                sent(wire, name);
                wire.put(b" ");
                match value {
                    Some(value) => sent(wire, value),
                    None => wire.put(b"NIL"),
                }
            });
            wire.put(b")");
        }
        CommandBody::Authenticate { mechanism, initial } => {
            wire.show(format_args!(" {mechanism}"));
            if let Some(initial) = initial {
                wire.put(b" ");
                wire.put(initial);
            }
        }
        CommandBody::Login { name, password } => {
            wire.put(b" ");
            argument(wire, name);
            wire.put(b" ");
            argument(wire, password);
        }
        CommandBody::Enable(extensions) => extensions.iter().for_each(|extension| {
            wire.put(match extension {
                Extension::Imap4Rev2 => b" IMAP4rev2",
                Extension::Utf8Accept => b" UTF8=ACCEPT",
                Extension::CondStore => b" CONDSTORE",
                Extension::QResync => b" QRESYNC",
                Extension::Other => b" X-OTHER",
            });
        }),
        CommandBody::Select(arguments) => select(wire, arguments, names),
        CommandBody::Create {
            mailbox,
            special_use,
        } => {
            named(wire, mailbox, names);
            if !special_use.is_empty() {
                wire.put(b" (USE (");
                spaced(wire, special_use, |wire, each| {
                    wire.put(each.as_str().as_bytes())
                });
                wire.put(b"))");
            }
        }
        CommandBody::Delete(mailbox)
        | CommandBody::Subscribe(mailbox)
        | CommandBody::Unsubscribe(mailbox) => named(wire, mailbox, names),
        CommandBody::Rename { from, to } => {
            named(wire, from, names);
            named(wire, to, names);
        }
        CommandBody::List(arguments) => list(wire, arguments, names),
        CommandBody::Lsub { reference, pattern } => {
            wire.put(b" ");
            encoded(wire, reference, names, is_pattern_char);
            wire.put(b" ");
            encoded(wire, pattern, names, is_pattern_char);
        }
        CommandBody::Status { mailbox, items } => {
            named(wire, mailbox, names);
            wire.put(b" ");
            status_items(wire, items);
        }
        CommandBody::Append { mailbox, messages } => {
            named(wire, mailbox, names);
            messages.iter().for_each(|message| append(wire, message));
        }
        CommandBody::Expunge(Some(sequence)) => wire.show(format_args!(" {sequence}")),
        CommandBody::Search(_, arguments) => search(wire, arguments),
        CommandBody::Fetch(_, arguments) => fetch(wire, arguments),
        CommandBody::Store(_, arguments) => store(wire, arguments),
        CommandBody::Copy(_, sequence, to) | CommandBody::Move(_, sequence, to) => {
            wire.show(format_args!(" {sequence}"));
            named(wire, to, names);
        }
    }
}

/// A string that is quoted if it can be, else a non-synchronising literal.
fn sent(wire: &mut Vec<u8>, octets: &[u8]) {
    if octets
        .iter()
        .any(|octet| matches!(octet, b'\r' | b'\n' | 0 | 0x80..))
    {
        wire.show(format_args!("{{{}+}}\r\n", octets.len()));
        wire.put(octets);
    } else {
        quoted(wire, octets);
    }
}

fn argument(wire: &mut Vec<u8>, octets: &[u8]) {
    if octets.iter().all(|octet| is_astring_char(*octet)) {
        astring(wire, octets);
    } else {
        sent(wire, octets);
    }
}

fn is_pattern_char(octet: u8) -> bool {
    is_astring_char(octet) || matches!(octet, b'%' | b'*')
}

fn named(wire: &mut Vec<u8>, name: &MailboxName, names: Names) {
    wire.put(b" ");
    mailbox(wire, name, names);
}

fn select(wire: &mut Vec<u8>, select: &Select, names: Names) {
    named(wire, &select.mailbox, names);
    match (select.condstore, &select.qresync) {
        (false, None) => {}
        (true, None) => wire.put(b" (CONDSTORE)"),
        (condstore, Some(parameter)) => {
            wire.put(if condstore {
                b" (CONDSTORE QRESYNC ("
            } else {
                b" (QRESYNC ("
            });
            qresync(wire, parameter);
            wire.put(b"))");
        }
    }
}

fn qresync(wire: &mut Vec<u8>, parameter: &QresyncParameter) {
    wire.show(format_args!(
        "{} {}",
        parameter.uid_validity, parameter.modseq
    ));
    if let Some(known) = &parameter.known_uids {
        wire.show(format_args!(" {known}"));
    }
    if let Some((numbers, uids)) = &parameter.matches {
        wire.show(format_args!(" ({numbers} {uids})"));
    }
}

fn list(wire: &mut Vec<u8>, list: &List, names: Names) {
    let ListSelection {
        subscribed,
        remote,
        recursive_match,
        special_use,
    } = list.selection;
    let options = words(&[
        (subscribed, "SUBSCRIBED"),
        (remote, "REMOTE"),
        (recursive_match, "RECURSIVEMATCH"),
        (special_use, "SPECIAL-USE"),
    ]);
    if list.form == ListForm::Extended {
        wire.show(format_args!(" ({})", options.join(" ")));
    }
    wire.put(b" ");
    encoded(wire, &list.reference, names, is_pattern_char);
    wire.put(b" ");
    match list.patterns.as_slice() {
        [pattern] => encoded(wire, pattern, names, is_pattern_char),
        patterns => {
            wire.put(b"(");
            spaced(wire, patterns, |wire, each| {
                encoded(wire, each, names, is_pattern_char)
            });
            wire.put(b")");
        }
    }
    if let Some(ListReturn {
        subscribed,
        children,
        special_use,
        status,
    }) = &list.returns
    {
        let mut options = words(&[
            (*subscribed, "SUBSCRIBED"),
            (*children, "CHILDREN"),
            (*special_use, "SPECIAL-USE"),
        ]);
        wire.put(b" RETURN (");
        if !status.is_empty() {
            options.push("STATUS ");
        }
        wire.put(options.join(" ").as_bytes());
        if !status.is_empty() {
            status_items(wire, status);
        }
        wire.put(b")");
    }
}

fn words(options: &[(bool, &'static str)]) -> Vec<&'static str> {
    options
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, word)| *word)
        .collect()
}

fn status_items(wire: &mut Vec<u8>, items: &[StatusItem]) {
    wire.put(b"(");
    spaced(wire, items, |wire, item| wire.put(item.as_str().as_bytes()));
    wire.put(b")");
}

fn append(wire: &mut Vec<u8>, message: &AppendMessage) {
    wire.put(b" ");
    flag_list(wire, message.system, &message.keywords);
    wire.put(b" ");
    if let Some(date) = message.internal_date {
        print_date_time(wire, date);
        wire.put(b" ");
    }
    let binary = if message.body.contains(&0) { "~" } else { "" };
    wire.show(format_args!("{binary}{{{}+}}\r\n", message.body.len()));
    wire.put(&message.body);
}

fn flag_list(wire: &mut Vec<u8>, system: SystemFlags, keywords: &[Keyword]) {
    let mut names: Vec<&str> = system.iter().map(SystemFlag::as_str).collect();
    names.extend(keywords.iter().map(Keyword::as_str));
    wire.put(b"(");
    spaced(wire, names, |wire, name| wire.put(name.as_bytes()));
    wire.put(b")");
}

fn store(wire: &mut Vec<u8>, store: &Store) {
    wire.show(format_args!(" {}", store.sequence));
    if let Some(modseq) = store.unchanged_since {
        wire.show(format_args!(" (UNCHANGEDSINCE {modseq})"));
    }
    wire.put(match store.action {
        FlagAction::Add => b" +FLAGS",
        FlagAction::Remove => b" -FLAGS",
        FlagAction::Replace => b" FLAGS",
    });
    wire.put(match store.reply {
        Reply::Flags => b" ",
        Reply::Silent => b".SILENT ",
    });
    flag_list(wire, store.system, &store.keywords);
}

fn fetch(wire: &mut Vec<u8>, fetch: &Fetch) {
    wire.show(format_args!(" {} (", fetch.sequence));
    spaced(wire, &fetch.items, fetch_item);
    wire.put(b")");
    match (fetch.changed_since, fetch.vanished) {
        (None, false) => {}
        (None, true) => wire.put(b" (VANISHED)"),
        (Some(modseq), false) => wire.show(format_args!(" (CHANGEDSINCE {modseq})")),
        (Some(modseq), true) => wire.show(format_args!(" (CHANGEDSINCE {modseq} VANISHED)")),
    }
}

fn fetch_item(wire: &mut Vec<u8>, item: &FetchItem) {
    let peek = |seen: &Seen| match seen {
        Seen::Set => "",
        Seen::Keep => ".PEEK",
    };
    match item {
        FetchItem::Envelope => wire.put(b"ENVELOPE"),
        FetchItem::Flags => wire.put(b"FLAGS"),
        FetchItem::InternalDate => wire.put(b"INTERNALDATE"),
        FetchItem::Rfc822 => wire.put(b"RFC822"),
        FetchItem::Rfc822Header => wire.put(b"RFC822.HEADER"),
        FetchItem::Rfc822Size => wire.put(b"RFC822.SIZE"),
        FetchItem::Rfc822Text => wire.put(b"RFC822.TEXT"),
        FetchItem::Body => wire.put(b"BODY"),
        FetchItem::BodyStructure => wire.put(b"BODYSTRUCTURE"),
        FetchItem::Uid => wire.put(b"UID"),
        FetchItem::ModSeq => wire.put(b"MODSEQ"),
        FetchItem::EmailId => wire.put(b"EMAILID"),
        FetchItem::ThreadId => wire.put(b"THREADID"),
        FetchItem::Preview(Preview::Always) => wire.put(b"PREVIEW"),
        FetchItem::Preview(Preview::Lazy) => wire.put(b"PREVIEW (LAZY)"),
        FetchItem::Section {
            section,
            partial,
            seen,
        } => {
            wire.show(format_args!("BODY{}", peek(seen)));
            print_section(wire, section);
            print_partial(wire, *partial);
        }
        FetchItem::Binary {
            path,
            partial,
            seen,
        } => {
            wire.show(format_args!("BINARY{}", peek(seen)));
            print_path(wire, path);
            print_partial(wire, *partial);
        }
        FetchItem::BinarySize(path) => {
            wire.put(b"BINARY.SIZE");
            print_path(wire, path);
        }
    }
}

/// `section-binary`
pub(crate) fn print_path(wire: &mut impl Wire, path: &Path) {
    wire.put(b"[");
    numbers(wire, path);
    wire.put(b"]");
}

fn numbers(wire: &mut impl Wire, path: &Path) {
    for (at, number) in path.iter().enumerate() {
        wire.show(format_args!("{}{number}", if at > 0 { "." } else { "" }));
    }
}

/// `section`
pub(crate) fn print_section(wire: &mut impl Wire, section: &Section) {
    wire.put(b"[");
    numbers(wire, &section.path);
    if !section.path.is_empty() && section.text != SectionText::Content {
        wire.put(b".");
    }
    match &section.text {
        SectionText::Content => {}
        SectionText::Header => wire.put(b"HEADER"),
        SectionText::Text => wire.put(b"TEXT"),
        SectionText::Mime => wire.put(b"MIME"),
        SectionText::Fields(Fields { matching, names }) => {
            wire.put(match matching {
                FieldsMatch::Named => b"HEADER.FIELDS (",
                FieldsMatch::Others => b"HEADER.FIELDS.NOT (",
            });
            spaced(wire, names, |wire, name| astring(wire, name));
            wire.put(b")");
        }
    }
    wire.put(b"]");
}

fn print_partial(wire: &mut Vec<u8>, partial: Option<Partial>) {
    if let Some(Partial { from, count }) = partial {
        wire.show(format_args!("<{from}.{count}>"));
    }
}

fn search(wire: &mut Vec<u8>, search: &Search) {
    if let Some(SearchReturn {
        min,
        max,
        all,
        count,
        save,
    }) = search.returns
    {
        let options = words(&[
            (min, "MIN"),
            (max, "MAX"),
            (all, "ALL"),
            (count, "COUNT"),
            (save, "SAVE"),
        ]);
        wire.show(format_args!(" RETURN ({})", options.join(" ")));
    }
    wire.put(b" CHARSET UTF-8 ");
    spaced(wire, &search.keys, key);
}

fn key(wire: &mut Vec<u8>, key_: &Key) {
    match key_ {
        Key::All => wire.put(b"ALL"),
        Key::Sequence(set) => wire.show(set),
        Key::Uid(set) => wire.show(format_args!("UID {set}")),
        Key::Flag(flag) => wire.put(
            flag.as_str()
                .trim_start_matches('\\')
                .to_uppercase()
                .as_bytes(),
        ),
        Key::Keyword(keyword) => wire.show(format_args!("KEYWORD {keyword}")),
        Key::Recent => wire.put(b"RECENT"),
        Key::New => wire.put(b"NEW"),
        Key::Before(date) => dated(wire, "BEFORE", *date),
        Key::On(date) => dated(wire, "ON", *date),
        Key::Since(date) => dated(wire, "SINCE", *date),
        Key::SentBefore(date) => dated(wire, "SENTBEFORE", *date),
        Key::SentOn(date) => dated(wire, "SENTON", *date),
        Key::SentSince(date) => dated(wire, "SENTSINCE", *date),
        Key::Larger(size) => wire.show(format_args!("LARGER {size}")),
        Key::Smaller(size) => wire.show(format_args!("SMALLER {size}")),
        Key::Older(seconds) => wire.show(format_args!("OLDER {seconds}")),
        Key::Younger(seconds) => wire.show(format_args!("YOUNGER {seconds}")),
        Key::Header(name, text) => {
            wire.put(b"HEADER ");
            argument(wire, name);
            wire.put(b" ");
            argument(wire, text.as_bytes());
        }
        Key::Body(text) => {
            wire.put(b"BODY ");
            argument(wire, text.as_bytes());
        }
        Key::Text(text) => {
            wire.put(b"TEXT ");
            argument(wire, text.as_bytes());
        }
        Key::ModSeq(ModSeqCriterion { entry, value }) => {
            wire.put(b"MODSEQ ");
            if let Some((name, filter)) = entry {
                sent(wire, name);
                wire.show(format_args!(" {} ", filter.as_str()));
            }
            wire.show(value);
        }
        Key::EmailId(id) => {
            wire.put(b"EMAILID ");
            argument(wire, id);
        }
        Key::ThreadId(id) => {
            wire.put(b"THREADID ");
            argument(wire, id);
        }
        Key::And(keys) => {
            wire.put(b"(");
            spaced(wire, keys, key);
            wire.put(b")");
        }
        Key::Or(both) => {
            wire.put(b"OR ");
            key(wire, &both.0);
            wire.put(b" ");
            key(wire, &both.1);
        }
        Key::Not(inner) => {
            wire.put(b"NOT ");
            key(wire, inner);
        }
    }
}

fn dated(wire: &mut Vec<u8>, name: &str, date: jiff::civil::Date) {
    wire.show(format_args!("{name} "));
    print_date(wire, date);
}
