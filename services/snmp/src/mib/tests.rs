use super::*;
use crate::config::Thresholds;
use roost_node::Figures;
use roost_node::{Destination, Service, State, Volume};

pub(crate) fn node() -> Node {
    let now = Timestamp::from_second(1_790_000_000).unwrap();
    let service = |index, name, text: &str| Service {
        index,
        name,
        state: State::Up,
        since: now,
        reason: String::new(),
        figures: Figures::read(text),
    };
    Node {
        at: now,
        name: "mail.example.test".to_owned(),
        services: vec![
            service(
                1,
                "roost-directory",
                "roost_directory_ldap_connections_open 3\n",
            ),
            service(
                2,
                "roost-store",
                "roost_build_info{daemon=\"roost-store\",version=\"1.2.3\"} 1\n\
                 process_start_time_seconds 1789999000\n\
                 roost_store_logins_total{protocol=\"imap\",outcome=\"accepted\"} 5\n",
            ),
            service(
                3,
                "roost-mta",
                "roost_mta_queue_messages 12\nroost_mta_attempts_total{outcome=\"delivered\"} 40\n\
                 roost_mta_attempts_total{outcome=\"relayed\"} 2\n",
            ),
        ],
        queue: Some(vec![Destination {
            domain: "a.test".to_owned(),
            messages: 12,
            held: 1,
            octets: 5_000,
            oldest: Timestamp::from_second(1_789_999_990).unwrap(),
            reason: "connection refused".to_owned(),
        }]),
        alerts: None,
        volumes: vec![Volume {
            index: 1,
            folder: "/var/lib/roost/store".into(),
            purpose: "store",
            size: 1_000_000,
            free: 500_000,
            files: 0,
            files_free: 0,
        }],
    }
}

fn built() -> Tree {
    tree(
        &node(),
        &Thresholds::default(),
        Timestamp::from_second(1_789_999_900).unwrap(),
    )
}

fn cell(path: &[u32]) -> Option<Value> {
    built().get(&Oid::new(path)).cloned()
}

#[test]
fn figures_are_where_the_mibs_have_them() {
    // applUptime of the store: it began before the master agent did.
    assert_eq!(
        cell(&[1, 3, 6, 1, 2, 1, 27, 1, 1, 5, 2]),
        Some(Value::TimeTicks(0))
    );
    // applLastChange: 100 s after the master agent began.
    assert_eq!(
        cell(&[1, 3, 6, 1, 2, 1, 27, 1, 1, 7, 2]),
        Some(Value::TimeTicks(10_000))
    );
    // mtaStoredMessages, mtaTransmittedRecipients
    assert_eq!(
        cell(&[1, 3, 6, 1, 2, 1, 28, 1, 1, 2, 3]),
        Some(Value::Gauge32(12))
    );
    assert_eq!(
        cell(&[1, 3, 6, 1, 2, 1, 28, 1, 1, 9, 3]),
        Some(Value::Counter32(42))
    );
    // mtaGroupOldestMessageStored: a TimeInterval of 10 s.
    assert_eq!(
        cell(&[1, 3, 6, 1, 2, 1, 28, 2, 1, 12, 3, 3]),
        Some(Value::Integer(1_000))
    );
    // roostDestinationMessages."a.test"
    let domain = [97, 46, 116, 101, 115, 116];
    let path = [roost::MIB, &[1, 4, 1, 2], &domain].concat();
    assert_eq!(cell(&path), Some(Value::Gauge32(12)));
    // roostLoginAccepted of IMAP
    assert_eq!(
        cell(&[roost::MIB, &[1, 6, 1, 2, 2, 1]].concat()),
        Some(Value::Counter64(5))
    );
}

#[test]
fn a_daemon_that_does_not_answer_has_a_state_and_no_figures() {
    let mut node = node();
    node.services[2].state = State::Down;
    node.services[2].figures = Figures::default();
    node.queue = None;
    let tree = tree(&node, &Thresholds::default(), node.at);
    let state = Oid::new(&[roost::MIB, &[1, 2, 1, 3, 3]].concat());
    assert_eq!(tree.get(&state), Some(&Value::Integer(3)));
    let node_state = Oid::new(&[roost::MIB, &[1, 1, 2, 0]].concat());
    assert_eq!(tree.get(&node_state), Some(&Value::Integer(3)));
    let mta = Oid::new(mta::AGENTS);
    assert!(!tree.iter().any(|(name, _)| name.is_under(&mta)));
}

#[test]
fn every_instance_is_under_a_subtree_that_is_registered() {
    for (name, _) in built().iter() {
        assert!(
            subtrees().iter().any(|subtree| name.is_under(subtree)),
            "{name}"
        );
        assert!(name.parts().len() <= crate::oid::PARTS_MAX);
    }
}
