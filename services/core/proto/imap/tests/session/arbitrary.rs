//! Any command and any response.

use bytes::Bytes;
use compact_str::CompactString;
use jiff::civil::Date;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use roost_proto_imap::FlagAction;
use roost_proto_imap::frame::{Event, Frame, Raw};
use roost_proto_imap::grammar::{
    Access, AppendMessage, By, Code, Command, CommandBody, Condition, ESearch, Extension, Fetch,
    FetchAttribute, FetchData, FetchItem, Fields, FieldsMatch, Filter, FlagName, Key, List,
    ListForm, ListReply, ListReturn, ListSelection, ModSeqCriterion, Names, Partial, Path, Preview,
    QresyncParameter, Reply, Response, Search, SearchReturn, Section, SectionText, Seen, Select,
    StatusData, StatusItem, StatusValue, Store, Tag, Word, parse,
};
use roost_proto_imap::types::{
    EmailId, Keyword, MailboxId, MailboxName, ModSeq, Number, Sequence, SequenceSet, SpecialUse,
    SystemFlag, SystemFlags, Uid, UidValidity,
};

/// The tag of any command.
pub(crate) fn tag() -> impl Strategy<Value = Tag> {
    "[A-Za-z0-9.]{1,8}".prop_map(|name| {
        let raw = Raw {
            text: format!("{name} NOOP").into(),
            literals: Vec::new(),
        };
        parse(&raw, Names::Utf8).unwrap().tag
    })
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    (tag(), body()).prop_map(|(tag, body)| Command { tag, body })
}

fn body() -> impl Strategy<Value = CommandBody> {
    prop_oneof![
        Just(CommandBody::Capability),
        Just(CommandBody::Noop),
        Just(CommandBody::Idle),
        Just(CommandBody::Close),
        Just(CommandBody::Expunge(None)),
        vec((octets(), option::of(octets())), 0..4).prop_map(CommandBody::Id),
        ("[A-Z0-9-]{1,10}", option::of("[A-Za-z0-9+/=]{1,20}")).prop_map(|(mechanism, initial)| {
            CommandBody::Authenticate {
                mechanism: mechanism.into(),
                initial: initial.map(Bytes::from),
            }
        }),
        (octets(), octets()).prop_map(|(name, password)| CommandBody::Login { name, password }),
        vec(extension(), 1..4).prop_map(CommandBody::Enable),
        select().prop_map(CommandBody::Select),
        (name(), vec(special_use(), 0..3)).prop_map(|(mailbox, special_use)| CommandBody::Create {
            mailbox,
            special_use
        }),
        name().prop_map(CommandBody::Delete),
        name().prop_map(CommandBody::Subscribe),
        (name(), name()).prop_map(|(from, to)| CommandBody::Rename { from, to }),
        list().prop_map(CommandBody::List),
        (pattern(), pattern())
            .prop_map(|(reference, pattern)| CommandBody::Lsub { reference, pattern }),
        (name(), status_items())
            .prop_map(|(mailbox, items)| CommandBody::Status { mailbox, items }),
        (name(), vec(message(), 1..3))
            .prop_map(|(mailbox, messages)| CommandBody::Append { mailbox, messages }),
        sequence().prop_map(|set| CommandBody::Expunge(Some(set))),
        (by(), search()).prop_map(|(by, search)| CommandBody::Search(by, search)),
        (by(), fetch()).prop_map(|(by, fetch)| CommandBody::Fetch(by, fetch)),
        (by(), store()).prop_map(|(by, store)| CommandBody::Store(by, store)),
        (by(), sequence(), name()).prop_map(|(by, set, to)| CommandBody::Copy(by, set, to)),
        (by(), sequence(), name()).prop_map(|(by, set, to)| CommandBody::Move(by, set, to)),
    ]
}

fn octets() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        "[ -~]{0,12}".prop_map(Bytes::from),
        // No NUL: strings are printed without (RFC 3501 §4.3.1).
        vec(1_u8.., 0..12).prop_map(Bytes::from),
        Just(Bytes::from_static(b"NIL")),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", "\\PC{0,12}", "[a-z\r\n\"\\\\]{0,6}"]
}

fn extension() -> impl Strategy<Value = Extension> {
    prop_oneof![
        Just(Extension::Imap4Rev2),
        Just(Extension::Utf8Accept),
        Just(Extension::CondStore),
        Just(Extension::QResync),
        Just(Extension::Other),
    ]
}

pub(crate) fn name() -> impl Strategy<Value = MailboxName> {
    prop_oneof![
        "[a-zA-Z&% *()\"\\\\]{1,8}(/[a-zé台😀]{1,4}){0,2}",
        "(?i)inbox"
    ]
    .prop_filter_map("a name", |name| MailboxName::new(&name).ok())
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z&%*/ é台]{0,10}"]
}

fn special_use() -> impl Strategy<Value = SpecialUse> {
    proptest::sample::select(SpecialUse::EACH.to_vec())
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        1 => Just(Number::Largest),
        5 => any::<std::num::NonZeroU32>().prop_map(Number::Value),
    ]
}

fn set() -> impl Strategy<Value = SequenceSet> {
    vec((number(), number()), 1..4).prop_map(|ranges| SequenceSet(ranges.into()))
}

fn sequence() -> impl Strategy<Value = Sequence> {
    prop_oneof![1 => Just(Sequence::Saved), 5 => set().prop_map(Sequence::Set)]
}

pub(crate) fn modseq() -> impl Strategy<Value = ModSeq> {
    (0..=ModSeq::MAX.get()).prop_filter_map("63 bits", ModSeq::new)
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![Just(By::Sequence), Just(By::Uid)]
}

fn select() -> impl Strategy<Value = Select> {
    let access = prop_oneof![Just(Access::ReadWrite), Just(Access::ReadOnly)];
    let qresync = (
        1..=u32::MAX,
        modseq(),
        option::of(set()),
        option::of((set(), set())),
    )
        .prop_map(|(validity, modseq, known_uids, matches)| QresyncParameter {
            uid_validity: UidValidity::new(validity).unwrap(),
            modseq,
            known_uids,
            matches,
        });
    (access, name(), any::<bool>(), option::of(qresync)).prop_map(
        |(access, mailbox, condstore, qresync)| Select {
            access,
            mailbox,
            condstore,
            qresync,
        },
    )
}

fn list() -> impl Strategy<Value = List> {
    let selection = any::<(bool, bool, bool, bool)>().prop_map(
        |(subscribed, remote, recursive_match, special_use)| ListSelection {
            subscribed,
            remote,
            recursive_match: recursive_match && (subscribed || special_use),
            special_use,
        },
    );
    let returns = (
        any::<(bool, bool, bool)>(),
        prop_oneof![Just(Vec::new()), status_items()],
    )
        .prop_map(|((subscribed, children, special_use), status)| ListReturn {
            subscribed,
            children,
            special_use,
            status,
        });
    let extended = (
        selection,
        pattern(),
        vec(pattern(), 1..3),
        option::of(returns),
    )
        .prop_map(|(selection, reference, patterns, returns)| List {
            selection,
            reference,
            patterns,
            returns,
            form: ListForm::Extended,
        });
    let basic = (pattern(), pattern()).prop_map(|(reference, pattern)| List {
        selection: ListSelection::default(),
        reference,
        patterns: vec![pattern],
        returns: None,
        form: ListForm::Basic,
    });
    prop_oneof![extended, basic]
}

fn status_items() -> impl Strategy<Value = Vec<StatusItem>> {
    vec(proptest::sample::select(StatusItem::EACH.to_vec()), 1..4)
}

pub(crate) fn system_flags() -> impl Strategy<Value = SystemFlags> {
    vec(proptest::sample::select(SystemFlag::EACH.to_vec()), 0..3)
        .prop_map(|flags| flags.into_iter().collect())
}

pub(crate) fn keywords() -> impl Strategy<Value = Vec<Keyword>> {
    let keyword = "[a-z$]{1,6}".prop_map(|name| Keyword::try_from(name.as_bytes()).unwrap());
    vec(keyword, 0..3).prop_map(|mut keywords| {
        let mut seen: Vec<Keyword> = Vec::new();
        keywords.retain(|each| {
            !seen.contains(each) && {
                seen.push(each.clone());
                true
            }
        });
        keywords
    })
}

/// Seconds only: the wire has no more.
pub(crate) fn moment() -> impl Strategy<Value = jiff::Timestamp> {
    (0_i64..4_000_000_000).prop_map(|seconds| jiff::Timestamp::from_second(seconds).unwrap())
}

fn message() -> impl Strategy<Value = AppendMessage> {
    (
        system_flags(),
        keywords(),
        option::of(moment()),
        vec(any::<u8>(), 0..40),
    )
        .prop_map(|(system, keywords, internal_date, body)| AppendMessage {
            system,
            keywords,
            internal_date,
            body: body.into(),
        })
}

fn date() -> impl Strategy<Value = Date> {
    (1_i16..=9999, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| Date::new(y, m, d).unwrap())
}

fn search() -> impl Strategy<Value = Search> {
    let returns =
        any::<(bool, bool, bool, bool, bool)>().prop_map(|(min, max, all, count, save)| {
            // Nothing at all means ALL.
            let all = all || !(min || max || count || save);
            SearchReturn {
                min,
                max,
                all,
                count,
                save,
            }
        });
    (option::of(returns), vec(key(), 1..4)).prop_map(|(returns, keys)| Search { returns, keys })
}

fn key() -> impl Strategy<Value = Key> {
    let entry = ("[ -~]{0,9}".prop_map(Bytes::from), filter());
    let leaf = prop_oneof![
        Just(Key::All),
        Just(Key::Recent),
        Just(Key::New),
        sequence().prop_map(Key::Sequence),
        sequence().prop_map(Key::Uid),
        proptest::sample::select(SystemFlag::EACH.to_vec()).prop_map(Key::Flag),
        "[a-z$]{1,6}".prop_map(|name| Key::Keyword(Keyword::try_from(name.as_bytes()).unwrap())),
        date().prop_map(Key::Before),
        date().prop_map(Key::SentOn),
        (0_u64..1 << 40).prop_map(Key::Larger),
        (1_u32..).prop_map(Key::Older),
        (octets(), text()).prop_map(|(name, text)| Key::Header(name, text)),
        text().prop_map(Key::Body),
        text().prop_map(Key::Text),
        (option::of(entry), modseq())
            .prop_map(|(entry, value)| Key::ModSeq(ModSeqCriterion { entry, value })),
        octets().prop_map(Key::EmailId),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..3).prop_map(Key::And),
            (inner.clone(), inner.clone()).prop_map(|both| Key::Or(Box::new(both))),
            inner.prop_map(|key| Key::Not(Box::new(key))),
        ]
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    prop_oneof![
        Just(Filter::Private),
        Just(Filter::Shared),
        Just(Filter::All)
    ]
}

fn fetch() -> impl Strategy<Value = Fetch> {
    (
        sequence(),
        vec(item(), 1..4),
        option::of(modseq()),
        any::<bool>(),
    )
        .prop_map(|(sequence, items, changed_since, vanished)| Fetch {
            sequence,
            items,
            changed_since,
            vanished,
        })
}

fn item() -> impl Strategy<Value = FetchItem> {
    let seen = || prop_oneof![Just(Seen::Set), Just(Seen::Keep)];
    prop_oneof![
        Just(FetchItem::Envelope),
        Just(FetchItem::Flags),
        Just(FetchItem::Rfc822Header),
        Just(FetchItem::Body),
        Just(FetchItem::BodyStructure),
        Just(FetchItem::ModSeq),
        Just(FetchItem::Preview(Preview::Lazy)),
        Just(FetchItem::Preview(Preview::Always)),
        path().prop_map(FetchItem::BinarySize),
        (path(), partial(), seen()).prop_map(|(path, partial, seen)| FetchItem::Binary {
            path,
            partial,
            seen
        }),
        (section(), partial(), seen()).prop_map(|(section, partial, seen)| FetchItem::Section {
            section,
            partial,
            seen
        }),
    ]
}

fn path() -> impl Strategy<Value = Path> {
    vec(1_u32.., 0..4).prop_map(Path::from)
}

fn partial() -> impl Strategy<Value = Option<Partial>> {
    option::of((0..1_u64 << 40, 1_u32..).prop_map(|(from, count)| Partial { from, count }))
}

fn section() -> impl Strategy<Value = Section> {
    let matching = prop_oneof![Just(FieldsMatch::Named), Just(FieldsMatch::Others)];
    let fields = (matching, vec("[!-~]{1,8}".prop_map(Bytes::from), 1..3))
        .prop_map(|(matching, names)| SectionText::Fields(Fields { matching, names }));
    let text = prop_oneof![
        Just(SectionText::Content),
        Just(SectionText::Header),
        Just(SectionText::Text),
        Just(SectionText::Mime),
        fields,
    ];
    (path(), text).prop_map(|(path, text)| match (path.is_empty(), text) {
        (true, SectionText::Mime) => Section {
            path,
            text: SectionText::Content,
        },
        (_, text) => Section { path, text },
    })
}

fn store() -> impl Strategy<Value = Store> {
    let action = prop_oneof![
        Just(FlagAction::Add),
        Just(FlagAction::Remove),
        Just(FlagAction::Replace)
    ];
    let reply = prop_oneof![Just(Reply::Flags), Just(Reply::Silent)];
    (
        sequence(),
        option::of(modseq()),
        action,
        reply,
        system_flags(),
        keywords(),
    )
        .prop_map(
            |(sequence, unchanged_since, action, reply, system, keywords)| Store {
                sequence,
                unchanged_since,
                action,
                reply,
                system,
                keywords,
            },
        )
}

/// Any response but the streamed ones.
pub(crate) fn response() -> impl Strategy<Value = Response> {
    let condition = proptest::sample::select(vec![
        Condition::Ok,
        Condition::No,
        Condition::Bad,
        Condition::Bye,
        Condition::PreAuth,
    ]);
    let status = (
        option::of(tag()),
        condition,
        option::of(code()),
        "[A-Za-z][ -~é]{0,20}",
    )
        .prop_map(|(tag, condition, code, text)| Response::Status {
            tag,
            condition,
            code,
            text: text.into(),
        });
    let ranges = || {
        vec((1_u32.., 1_u32..), 1..4).prop_map(|pairs| {
            pairs
                .into_iter()
                .map(|(a, b)| a.min(b)..=a.max(b))
                .collect::<Vec<_>>()
        })
    };
    let figures = (
        proptest::sample::select(StatusItem::EACH.to_vec()),
        prop_oneof![
            (0..1_u64 << 60).prop_map(StatusValue::Number),
            any::<u32>().prop_map(|id| StatusValue::Id(MailboxId(id))),
        ],
    );
    let number = || option::of(any::<u32>());
    let esearch = (
        (tag(), by(), number(), number(), number()),
        option::of(ranges()),
        option::of(modseq()),
    )
        .prop_map(|((tag, by, min, max, count), all, modseq)| {
            Response::ESearch(ESearch {
                tag,
                by,
                min,
                max,
                count,
                all,
                modseq,
            })
        });
    prop_oneof![
        status,
        "[ -~]{0,20}".prop_map(|text| Response::Continue(text.into())),
        words().prop_map(Response::Capability),
        words().prop_map(Response::Enabled),
        vec((octets(), option::of(octets())), 0..4).prop_map(Response::Id),
        Just(Response::Namespace),
        list_reply().prop_map(Response::List),
        list_reply().prop_map(Response::Lsub),
        (name(), vec(figures, 0..4))
            .prop_map(|(mailbox, items)| Response::Figures(StatusData { mailbox, items })),
        flag_names().prop_map(Response::Flags),
        (vec(any::<u32>(), 0..9), option::of(modseq()))
            .prop_map(|(numbers, modseq)| Response::Search { numbers, modseq }),
        esearch,
        any::<u32>().prop_map(Response::Exists),
        any::<u32>().prop_map(Response::Recent),
        any::<u32>().prop_map(Response::Expunge),
        (any::<bool>(), ranges()).prop_map(|(earlier, uids)| Response::Vanished { earlier, uids }),
        (any::<u32>(), vec(attribute(), 0..5))
            .prop_map(|(number, attributes)| Response::Fetch(FetchData { number, attributes })),
    ]
}

fn words() -> impl Strategy<Value = Vec<CompactString>> {
    vec("[A-Za-z0-9=+-]{1,9}".prop_map(CompactString::from), 1..5)
}

fn list_reply() -> impl Strategy<Value = ListReply> {
    let attribute = "\\\\[A-Za-z]{1,9}".prop_map(CompactString::from);
    let info = "[A-Z]{1,9}".prop_map(CompactString::from);
    (vec(attribute, 0..3), option::of(name()), vec(info, 0..2)).prop_map(
        |(attributes, mailbox, child_info)| ListReply {
            attributes,
            mailbox,
            child_info,
        },
    )
}

fn flag_names() -> impl Strategy<Value = Vec<FlagName>> {
    (system_flags(), keywords(), any::<(bool, bool)>()).prop_map(
        |(system, keywords, (recent, any))| {
            let mut names: Vec<_> = system.iter().map(FlagName::System).collect();
            names.extend(keywords.into_iter().map(FlagName::Keyword));
            names.extend(recent.then_some(FlagName::Recent));
            names.extend(any.then_some(FlagName::Any));
            names
        },
    )
}

fn uid() -> impl Strategy<Value = Uid> {
    (1_u32..).prop_map(|number| Uid::new(number).unwrap())
}

fn code() -> impl Strategy<Value = Code> {
    let validity = || (1_u32..).prop_map(|number| UidValidity::new(number).unwrap());
    let uids = || vec(uid(), 1..6);
    prop_oneof![
        proptest::sample::select(Word::EACH.map(|(word, _)| Code::Word(word)).to_vec()),
        words().prop_map(Code::Capability),
        flag_names().prop_map(Code::PermanentFlags),
        uid().prop_map(Code::UidNext),
        validity().prop_map(Code::UidValidity),
        any::<u32>().prop_map(Code::Unseen),
        (validity(), uids()).prop_map(|(validity, uids)| Code::AppendUid(validity, uids)),
        (validity(), uids(), uids()).prop_map(|(v, from, to)| Code::CopyUid(v, from, to)),
        modseq().prop_map(Code::HighestModSeq),
        vec(1_u32.., 1..6).prop_map(Code::Modified),
        any::<u32>().prop_map(|id| Code::MailboxId(MailboxId(id))),
    ]
}

fn attribute() -> impl Strategy<Value = FetchAttribute> {
    prop_oneof![
        uid().prop_map(FetchAttribute::Uid),
        flag_names().prop_map(FetchAttribute::Flags),
        modseq().prop_map(FetchAttribute::ModSeq),
        moment().prop_map(FetchAttribute::InternalDate),
        (0..1_u64 << 60).prop_map(FetchAttribute::Rfc822Size),
        any::<[u8; 15]>().prop_map(|id| FetchAttribute::EmailId(EmailId(id))),
        Just(FetchAttribute::NoThreadId),
    ]
}

/// What a frame makes of a whole command.
pub(crate) fn framed(octets: &[u8]) -> Raw {
    let mut frame = Frame::new(1 << 20);
    frame.buffer().extend_from_slice(octets);
    loop {
        match frame.next_event() {
            Event::Command(raw) => return raw,
            Event::Literal(_) => frame.accept(),
            other => panic!("{other:?} for {:?}", String::from_utf8_lossy(octets)),
        }
    }
}
