use proptest::prelude::*;

use super::*;

fn oid() -> impl Strategy<Value = Oid> {
    let parts = || prop::collection::vec(any::<u32>(), 0..20);
    prop_oneof![
        parts().prop_map(Oid::from),
        parts().prop_map(|parts| Oid::new(&[1, 3, 6, 1]).with(&parts)),
        (any::<u8>(), parts())
            .prop_map(|(next, parts)| Oid::new(&[1, 3, 6, 1, next.into()]).with(&parts)),
    ]
}

fn value() -> impl Strategy<Value = Found> {
    let octets = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        Just(Found::NoSuchObject),
        Just(Found::NoSuchInstance),
        Just(Found::EndOfMibView),
        prop_oneof![
            any::<i32>().prop_map(Value::Integer),
            octets().prop_map(Value::Octets),
            Just(Value::Null),
            oid().prop_map(Value::Oid),
            any::<[u8; 4]>().prop_map(Value::IpAddress),
            any::<u32>().prop_map(Value::Counter32),
            any::<u32>().prop_map(Value::Gauge32),
            any::<u32>().prop_map(Value::TimeTicks),
            octets().prop_map(Value::Opaque),
            any::<u64>().prop_map(Value::Counter64),
        ]
        .prop_map(Found::Value),
    ]
}

fn bindings() -> impl Strategy<Value = Vec<Binding>> {
    let binding = (oid(), value()).prop_map(|(name, value)| Binding { name, value });
    prop::collection::vec(binding, 0..6)
}

fn ranges() -> impl Strategy<Value = Vec<Range>> {
    let range = (oid(), any::<bool>(), oid()).prop_map(|(start, include, end)| Range {
        start,
        include,
        end,
    });
    prop::collection::vec(range, 0..6)
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        (any::<u8>(), oid(), "[a-zé ]{0,30}").prop_map(|(timeout, id, description)| Body::Open {
            timeout,
            id,
            description
        }),
        any::<u8>().prop_map(|reason| Body::Close { reason }),
        (any::<u8>(), any::<u8>(), oid()).prop_map(|(timeout, priority, subtree)| Body::Register {
            timeout,
            priority,
            subtree
        }),
        ranges().prop_map(Body::Get),
        ranges().prop_map(Body::GetNext),
        (any::<u16>(), any::<u16>(), ranges()).prop_map(
            |(non_repeaters, max_repetitions, ranges)| Body::GetBulk {
                non_repeaters,
                max_repetitions,
                ranges
            }
        ),
        bindings().prop_map(Body::TestSet),
        bindings().prop_map(Body::Notify),
        Just(Body::Ping),
        Just(Body::CommitSet),
        (any::<u32>(), any::<u16>(), any::<u16>(), bindings()).prop_map(
            |(uptime, error, index, bindings)| {
                Body::Response {
                    uptime,
                    error: Error(error),
                    index,
                    bindings,
                }
            }
        ),
    ]
}

fn read(octets: &[u8]) -> Result<(Header, Body), Malformed> {
    let (head, payload) = octets.split_first_chunk().ok_or(Malformed::Short)?;
    let (header, length) = header(head)?;
    let payload = payload.get(..length).ok_or(Malformed::Short)?;
    Ok((header, decode(&header, payload)?))
}

proptest! {
    #[test]
    fn what_is_written_is_read(body in body(), session: u32, transaction: u32, packet: u32) {
        let header = Header { kind: body.kind(), flags: 0, session, transaction, packet };
        let octets = body.encode(&header);
        prop_assert_eq!(octets.len() % 4, 0);
        let (read_header, read_body) = read(&octets).unwrap();
        prop_assert_eq!(read_body, body);
        prop_assert_eq!(
            (read_header.session, read_header.transaction, read_header.packet),
            (session, transaction, packet)
        );
    }

    #[test]
    fn no_octets_upset_the_reader(kind: u8, flags: u8, payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let header = Header { kind, flags, session: 0, transaction: 0, packet: 0 };
        drop(decode(&header, &payload));
    }
}

#[test]
fn a_get_in_little_endian_as_snmpd_sends_it() {
    // Get of 1.3.6.1.2.1.27.1.1.2.1, end of the range empty.
    let payload = [
        6, 2, 0, 0, 1, 0, 0, 0, 27, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0,
        0, //
        0, 0, 0, 0,
    ];
    let header = Header {
        kind: kind::GET,
        flags: 0,
        session: 1,
        transaction: 2,
        packet: 3,
    };
    let range = Range {
        start: Oid::new(&[1, 3, 6, 1, 2, 1, 27, 1, 1, 2, 1]),
        include: false,
        end: Oid::default(),
    };
    assert_eq!(decode(&header, &payload), Ok(Body::Get(vec![range])));
}

#[test]
fn a_payload_over_the_limit_is_refused() {
    let limit = u32::try_from(PAYLOAD_MAX).unwrap();
    assert_eq!(payload_length(limit), Ok(PAYLOAD_MAX));
    assert_eq!(
        payload_length(limit + 1),
        Err(Malformed::Long(PAYLOAD_MAX + 1))
    );
}
