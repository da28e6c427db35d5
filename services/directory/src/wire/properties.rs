//! Laws of the wire: what is written is read back, and nothing that arrives makes trouble.

use proptest::prelude::*;

use super::ber::{self, Writer};
use super::filter::{Assertion, Extensible, Filter, Substrings};
use super::frame::Framer;
use super::message::{Control, Message, MessageId, decode};
use super::request::{
    Add, Attribute, Authentication, Bind, Change, ChangeKind, Compare, Credentials, Extended,
    Modify, ModifyDn, Request, Scope, Search, tag,
};

fn encode(message: &Message) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.constructed(ber::SEQUENCE, |writer| {
        writer.integer(i64::from(message.id.0));
        write_request(writer, &message.request);
        super::message::write_controls(writer, &message.controls);
    });
    writer.into_bytes()
}

fn write_request(writer: &mut Writer, request: &Request) {
    match request {
        Request::Bind(bind) => writer.constructed(tag::BIND, |writer| {
            writer.integer(bind.version);
            writer.octets(bind.name.as_bytes());
            match &bind.authentication {
                Authentication::Simple(password) => writer.primitive(ber::context(0), &password.0),
                Authentication::Sasl {
                    mechanism,
                    credentials,
                } => {
                    writer.constructed(ber::context_constructed(3), |writer| {
                        writer.octets(mechanism.as_bytes());
                        if let Some(credentials) = credentials {
                            writer.octets(&credentials.0);
                        }
                    });
                }
                Authentication::Unknown => writer.primitive(ber::context(9), b""),
            }
        }),
        Request::Unbind => writer.primitive(tag::UNBIND, b""),
        Request::Search(search) => writer.constructed(tag::SEARCH, |writer| {
            writer.octets(search.base.as_bytes());
            writer.enumerated(search.scope as i64);
            writer.enumerated(0);
            writer.integer(i64::from(search.size_limit));
            writer.integer(i64::from(search.time_limit));
            writer.boolean(search.types_only);
            write_filter(writer, &search.filter);
            writer.constructed(ber::SEQUENCE, |writer| {
                search
                    .attributes
                    .iter()
                    .for_each(|name| writer.octets(name.as_bytes()));
            });
        }),
        Request::Modify(modify) => writer.constructed(tag::MODIFY, |writer| {
            writer.octets(modify.dn.as_bytes());
            writer.constructed(ber::SEQUENCE, |writer| {
                for change in &modify.changes {
                    writer.constructed(ber::SEQUENCE, |writer| {
                        writer.enumerated(change.kind as i64);
                        write_attribute(writer, &change.attribute);
                    });
                }
            });
        }),
        Request::Add(add) => writer.constructed(tag::ADD, |writer| {
            writer.octets(add.dn.as_bytes());
            writer.constructed(ber::SEQUENCE, |writer| {
                add.attributes
                    .iter()
                    .for_each(|attribute| write_attribute(writer, attribute));
            });
        }),
        Request::Delete(dn) => writer.primitive(tag::DELETE, dn.as_bytes()),
        Request::ModifyDn(rename) => writer.constructed(tag::MODIFY_DN, |writer| {
            writer.octets(rename.dn.as_bytes());
            writer.octets(rename.new_rdn.as_bytes());
            writer.boolean(rename.delete_old_rdn);
            if let Some(superior) = &rename.new_superior {
                writer.primitive(ber::context(0), superior.as_bytes());
            }
        }),
        Request::Compare(compare) => writer.constructed(tag::COMPARE, |writer| {
            writer.octets(compare.dn.as_bytes());
            writer.constructed(ber::SEQUENCE, |writer| {
                writer.octets(compare.attribute.as_bytes());
                writer.octets(&compare.value);
            });
        }),
        Request::Abandon(id) => writer.number(tag::ABANDON, i64::from(id.0)),
        Request::Extended(extended) => writer.constructed(tag::EXTENDED, |writer| {
            writer.primitive(ber::context(0), extended.name.as_bytes());
            if let Some(value) = &extended.value {
                writer.primitive(ber::context(1), value);
            }
        }),
    }
}

fn write_attribute(writer: &mut Writer, attribute: &Attribute) {
    writer.constructed(ber::SEQUENCE, |writer| {
        writer.octets(attribute.name.as_bytes());
        writer.constructed(ber::SET, |writer| {
            attribute
                .values
                .iter()
                .for_each(|value| writer.octets(value));
        });
    });
}

fn write_filter(writer: &mut Writer, filter: &Filter) {
    let assertion = |writer: &mut Writer, number: u8, assertion: &Assertion| {
        writer.constructed(ber::context_constructed(number), |writer| {
            writer.octets(assertion.attribute.as_bytes());
            writer.octets(&assertion.value);
        });
    };
    match filter {
        Filter::And(all) | Filter::Or(all) => {
            let number = u8::from(matches!(filter, Filter::Or(_)));
            writer.constructed(ber::context_constructed(number), |writer| {
                all.iter().for_each(|one| write_filter(writer, one));
            });
        }
        Filter::Not(inner) => {
            writer.constructed(ber::context_constructed(2), |writer| {
                write_filter(writer, inner)
            });
        }
        Filter::Equality(one) => assertion(writer, 3, one),
        Filter::Substrings(one) => writer.constructed(ber::context_constructed(4), |writer| {
            writer.octets(one.attribute.as_bytes());
            writer.constructed(ber::SEQUENCE, |writer| {
                one.initial
                    .iter()
                    .for_each(|piece| writer.primitive(ber::context(0), piece));
                one.any
                    .iter()
                    .for_each(|piece| writer.primitive(ber::context(1), piece));
                one.last
                    .iter()
                    .for_each(|piece| writer.primitive(ber::context(2), piece));
            });
        }),
        Filter::GreaterOrEqual(one) => assertion(writer, 5, one),
        Filter::LessOrEqual(one) => assertion(writer, 6, one),
        Filter::Present(name) => writer.primitive(ber::context(7), name.as_bytes()),
        Filter::Approximate(one) => assertion(writer, 8, one),
        Filter::Extensible(one) => writer.constructed(ber::context_constructed(9), |writer| {
            one.rule
                .iter()
                .for_each(|rule| writer.primitive(ber::context(1), rule.as_bytes()));
            one.attribute
                .iter()
                .for_each(|name| writer.primitive(ber::context(2), name.as_bytes()));
            writer.primitive(ber::context(3), &one.value);
            if one.dn_attributes {
                writer.primitive(ber::context(4), &[0xff]);
            }
        }),
    }
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..20)
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z=,\u{e4}]{0,12}"
}

fn assertions() -> impl Strategy<Value = Assertion> {
    (name(), octets()).prop_map(|(attribute, value)| Assertion { attribute, value })
}

fn filters() -> impl Strategy<Value = Filter> {
    let pieces = (
        name(),
        proptest::option::of(octets()),
        proptest::collection::vec(octets(), 0..3),
    )
        .prop_map(|(attribute, initial, any)| {
            Filter::Substrings(Substrings {
                attribute,
                initial,
                any,
                last: Some(vec![1]),
            })
        });
    let extensible = (
        proptest::option::of(name()),
        proptest::option::of(name()),
        octets(),
        any::<bool>(),
    )
        .prop_map(|(rule, attribute, value, dn_attributes)| {
            Filter::Extensible(Extensible {
                rule,
                attribute,
                value,
                dn_attributes,
            })
        });
    let leaf = prop_oneof![
        assertions().prop_map(Filter::Equality),
        assertions().prop_map(Filter::GreaterOrEqual),
        assertions().prop_map(Filter::LessOrEqual),
        assertions().prop_map(Filter::Approximate),
        name().prop_map(Filter::Present),
        pieces,
        extensible,
    ];
    leaf.prop_recursive(5, 30, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Attribute> {
    (name(), proptest::collection::vec(octets(), 0..4))
        .prop_map(|(name, values)| Attribute { name, values })
}

fn requests() -> impl Strategy<Value = Request> {
    let credentials = || octets().prop_map(Credentials);
    let authentication = prop_oneof![
        credentials().prop_map(Authentication::Simple),
        (name(), proptest::option::of(credentials())).prop_map(|(mechanism, credentials)| {
            Authentication::Sasl {
                mechanism,
                credentials,
            }
        }),
        Just(Authentication::Unknown),
    ];
    let scope = prop_oneof![
        Just(Scope::Base),
        Just(Scope::One),
        Just(Scope::Subtree),
        Just(Scope::Children)
    ];
    let kind = prop_oneof![
        Just(ChangeKind::Add),
        Just(ChangeKind::Delete),
        Just(ChangeKind::Replace),
        Just(ChangeKind::Increment)
    ];
    let search = (name(), scope, 0..=i32::MAX as u32, any::<bool>(), filters()).prop_map(
        |(base, scope, size_limit, types_only, filter)| Search {
            base,
            scope,
            size_limit,
            time_limit: 7,
            types_only,
            filter,
            attributes: vec!["cn".into(), "*".into()],
        },
    );
    let changes = (kind, attributes()).prop_map(|(kind, attribute)| Change { kind, attribute });
    prop_oneof![
        (any::<i64>(), name(), authentication).prop_map(|(version, name, authentication)| {
            Request::Bind(Bind {
                version,
                name,
                authentication,
            })
        }),
        Just(Request::Unbind),
        search.prop_map(Request::Search),
        (name(), proptest::collection::vec(changes, 0..4))
            .prop_map(|(dn, changes)| Request::Modify(Modify { dn, changes })),
        (name(), proptest::collection::vec(attributes(), 0..4))
            .prop_map(|(dn, attributes)| Request::Add(Add { dn, attributes })),
        name().prop_map(Request::Delete),
        (name(), name(), any::<bool>(), proptest::option::of(name())).prop_map(
            |(dn, new_rdn, delete_old_rdn, new_superior)| Request::ModifyDn(ModifyDn {
                dn,
                new_rdn,
                delete_old_rdn,
                new_superior
            })
        ),
        (name(), name(), octets()).prop_map(|(dn, attribute, value)| Request::Compare(Compare {
            dn,
            attribute,
            value
        })),
        (0..i32::MAX).prop_map(|id| Request::Abandon(MessageId(id))),
        (name(), proptest::option::of(octets()))
            .prop_map(|(name, value)| Request::Extended(Extended { name, value })),
    ]
}

fn controls() -> impl Strategy<Value = Control> {
    (name(), any::<bool>(), proptest::option::of(octets())).prop_map(|(oid, critical, value)| {
        Control {
            oid,
            critical,
            value,
        }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        id in 0..i32::MAX,
        request in requests(),
        controls in proptest::collection::vec(controls(), 0..3),
    ) {
        let message = Message { id: MessageId(id), request, controls };
        prop_assert_eq!(decode(&encode(&message)), Ok(message));
    }

    #[test]
    fn octets_at_random_are_refused_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(decode(&bytes));
        let mut framer = Framer::new(100);
        framer.buffer().extend_from_slice(&bytes);
        while let Ok(Some(frame)) = framer.message() {
            prop_assert!(frame.len() <= 100);
        }
    }

    #[test]
    fn a_damaged_message_is_refused_without_harm(
        request in requests(),
        at in any::<prop::sample::Index>(),
        octet in any::<u8>(),
    ) {
        let mut bytes = encode(&Message { id: MessageId(1), request, controls: vec![] });
        let at = at.index(bytes.len());
        bytes[at] = octet;
        drop(decode(&bytes));
        bytes.truncate(at);
        prop_assert!(decode(&bytes).is_err());
    }
}

#[test]
fn a_filter_has_a_depth() {
    let mut deep = Filter::Present("cn".into());
    for _ in 0..crate::limits::FILTER_DEPTH_MAX - 1 {
        deep = Filter::Not(Box::new(deep));
    }
    let read = |filter: &Filter| {
        let mut writer = Writer::default();
        write_filter(&mut writer, filter);
        Filter::decode(&mut ber::Reader::new(&writer.into_bytes()))
    };
    assert_eq!(read(&deep), Ok(deep.clone()));
    assert!(read(&Filter::Not(Box::new(deep))).is_err());
    let wide = Filter::And(vec![
        Filter::Present("cn".into());
        crate::limits::FILTER_NODES_MAX as usize
    ]);
    assert!(read(&wide).is_err());
}

#[test]
fn substrings_out_of_order_are_refused() {
    for pieces in [
        &[0x81_u8, 0x80][..],
        &[0x82, 0x81],
        &[0x80, 0x80],
        &[0x82, 0x82],
        &[0x83],
        &[],
    ] {
        let mut writer = Writer::default();
        writer.constructed(ber::context_constructed(4), |writer| {
            writer.octets(b"cn");
            writer.constructed(ber::SEQUENCE, |writer| {
                pieces.iter().for_each(|tag| writer.primitive(*tag, b"x"));
            });
        });
        let bytes = writer.into_bytes();
        assert!(
            Filter::decode(&mut ber::Reader::new(&bytes)).is_err(),
            "{pieces:x?}"
        );
    }
}
