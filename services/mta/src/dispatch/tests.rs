//! The dispatcher with real sockets: hosts that answer as they are told, addresses and names by
//! tables.

mod hosts;
mod sink;

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::RwLock;
use rand::SeedableRng;
use roost_kit::config::ListenSpec;
use roost_kit::disk::RealDisk;
use roost_kit::metrics::Metrics;
use roost_proto_smtp::grammar::mail::{MailParameters, Utf8};
use roost_proto_smtp::grammar::rcpt::Notify;
use roost_proto_smtp::{Address, ReversePath};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;
use crate::envelope::{Envelope, Recipient};
use crate::outbound::DnsTrouble;
use crate::outbound::dns::Mx;
use crate::outbound::tls::Policies;
use crate::queue::Place;
use crate::queue::message::Content;
use crate::queue::recovery::Settings;
use crate::route::table::{Table, address};
use sink::{Script, Sink};

/// More than any of these tests needs, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
struct Names {
    mx: HashMap<&'static str, Vec<(u16, &'static str)>>,
    hosts: HashMap<&'static str, IpAddr>,
}

impl Dns for Names {
    async fn mx(&self, domain: &str) -> Result<Vec<Mx>, DnsTrouble> {
        let records = self.mx.get(domain).ok_or(DnsTrouble::NoName)?;
        Ok(records
            .iter()
            .map(|(rank, host)| (*rank, (*host).to_owned()))
            .collect())
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsTrouble> {
        let literal = host.parse().ok();
        let known = literal.or_else(|| self.hosts.get(host).copied());
        known.map(|address| vec![address]).ok_or(DnsTrouble::NoName)
    }

    async fn names(&self, _address: IpAddr) -> Result<Vec<String>, DnsTrouble> {
        Err(DnsTrouble::NoName)
    }
}

struct Stage {
    dispatcher: Arc<Dispatcher<Table, Names>>,
    tasks: Tasks,
    _folder: TempDir,
}

/// alice, bob and nobody have mailboxes at `store`; hosts outside listen at the port of `outside`.
fn stage(store: SocketAddr, outside: SocketAddr, names: Names) -> Stage {
    stage_with(store, outside, names, Policies::default())
}

/// The same with policies for TLS.
fn stage_with(store: SocketAddr, outside: SocketAddr, names: Names, tls: Policies) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(folder.path(), 1 << 20);
    let clock = Clock::system();
    let queue = Queue::open(&settings, Arc::new(RealDisk), clock.clone()).unwrap();
    let host: roost_proto_smtp::Domain = "mx.example.test".parse().unwrap();
    let table = Table::new()
        .mailbox("alice@example.test")
        .mailbox("bob@example.test")
        .mailbox("nobody@example.test");
    let place = ListenSpec::Address(store);
    let tasks = Tasks::new();
    let dispatcher = Dispatcher::new(Parts {
        queue: Arc::new(queue),
        router: Router::new(table, host.clone(), outside.port()),
        courier: Courier {
            dns: names,
            host,
            ways: RwLock::new(ways(place, tls)),
        },
        tasks: tasks.clone(),
        clock,
        lifetime: Lifetime::default(),
        concurrency: Concurrency { total: 10, each: 2 },
        counts: Counts::new(&Metrics::new("roost-mta", "0")),
        random: StdRng::seed_from_u64(1),
    });
    tasks.spawn("dispatcher", Arc::clone(&dispatcher).run());
    Stage {
        dispatcher,
        tasks,
        _folder: folder,
    }
}

fn ways(store: ListenSpec, policies: Policies) -> Arc<Ways> {
    let stores = BTreeMap::from([("store.example.test".to_owned(), store)]);
    Ways::new(stores, policies).unwrap()
}

impl Stage {
    async fn send(&self, envelope: Envelope) -> QueueId {
        let queue = self.dispatcher.queue();
        let id = queue.new_id();
        let content = Bytes::from_static(b"Subject: hi\r\n\r\n.dot\r\n");
        let message = Message::new(envelope, Content::of(&content), Timestamp::now());
        queue
            .accept(id, message, Place::Memory(content))
            .await
            .unwrap();
        self.dispatcher.submit(id);
        id
    }

    /// Waits until something holds about the queue.
    async fn until(&self, what: &str, mut holds: impl FnMut(&Queue) -> bool) {
        let waiting = async {
            while !holds(self.dispatcher.queue()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within(what, waiting).await;
    }

    async fn until_empty(&self) {
        self.until("an empty queue", Queue::is_empty).await;
        self.tasks.shut_down(PATIENCE).await;
    }
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(PATIENCE, future).await else {
        panic!("waited in vain for {what}");
    };
    value
}

fn mail(to: &[&str]) -> Envelope {
    let sender = ReversePath::Address(address("alice@example.test"));
    let mut envelope = Envelope::new(sender, MailParameters::default());
    envelope
        .recipients
        .extend(to.iter().map(|to| Recipient::plain(address(to))));
    envelope
}

fn lmtp() -> Script {
    Script {
        lmtp: true,
        offers: vec!["PIPELINING", "8BITMIME"],
        ..Script::default()
    }
}

/// A place where nobody listens.
async fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}

fn outside(hosts: &[(u16, &'static str)]) -> Names {
    let mut names = Names::default();
    names.mx.insert("outside.test", hosts.to_vec());
    names
        .hosts
        .insert("mx.outside.test", "127.0.0.1".parse().unwrap());
    // The whole of 127/8 is this machine, and nobody listens there.
    names
        .hosts
        .insert("dead.outside.test", "127.7.7.7".parse().unwrap());
    names
}

fn is_about(to: &Address, text: &str) -> bool {
    text.contains(&format!("Final-Recipient: rfc822; {to}"))
}

#[tokio::test]
async fn recipients_of_one_store_share_a_transaction_and_a_refused_one_comes_back() {
    let store = Sink::start(lmtp()).await;
    store.say(|script| {
        script
            .rcpt
            .insert("nobody@example.test", "550 5.1.1 unknown");
    });
    let stage = stage(store.address(), nowhere().await, Names::default());
    let all = [
        "alice@example.test",
        "nobody@example.test",
        "bob@example.test",
    ];
    stage.send(mail(&all)).await;
    let taken = within("two transactions", store.taken(2)).await;
    assert_eq!(taken[0].rcpt.len(), 2);
    assert_eq!(taken[0].content, "Subject: hi\n\n..dot\n");
    assert_eq!(taken[1].mail, "MAIL FROM:<>");
    assert_eq!(taken[1].rcpt, ["RCPT TO:<alice@example.test>"]);
    assert!(is_about(&address("nobody@example.test"), &taken[1].content));
    stage.until_empty().await;
}

#[tokio::test]
async fn a_dead_mail_host_is_passed_over() {
    let host = Sink::start(Script::default()).await;
    let names = outside(&[(10, "dead.outside.test"), (20, "mx.outside.test")]);
    let stage = stage(nowhere().await, host.address(), names);
    stage.send(mail(&["x@outside.test"])).await;
    let taken = within("a transaction", host.taken(1)).await;
    assert_eq!(taken[0].mail, "MAIL FROM:<alice@example.test>");
    stage.until_empty().await;
}

#[tokio::test]
async fn mail_for_a_domain_that_does_not_exist_comes_back() {
    let store = Sink::start(lmtp()).await;
    let stage = stage(store.address(), nowhere().await, Names::default());
    stage.send(mail(&["x@nowhere.test"])).await;
    let taken = within("a notice", store.taken(1)).await;
    assert!(
        taken[0].content.contains("Status: 5.1.2"),
        "{}",
        taken[0].content
    );
    stage.until_empty().await;
}

#[tokio::test]
async fn who_was_put_off_is_tried_again_and_the_others_only_once() {
    let host = Sink::start(Script::default()).await;
    host.say(|script| {
        script.rcpt.insert("y@outside.test", "450 4.2.0 greylisted");
    });
    let stage = stage(
        nowhere().await,
        host.address(),
        outside(&[(10, "mx.outside.test")]),
    );
    let id = stage
        .send(mail(&["x@outside.test", "y@outside.test"]))
        .await;
    stage
        .until("the first attempt", |queue| {
            queue
                .get(id)
                .is_some_and(|message| message.progress[1].attempts == 1)
        })
        .await;
    let message = stage.dispatcher.queue().get(id).unwrap();
    let waits = message.progress[1]
        .retry_at
        .unwrap()
        .duration_since(Timestamp::now());
    assert!((200..400).contains(&waits.as_secs()), "{waits:?}");
    host.say(|script| script.rcpt.clear());
    // It may still be settling; what an administrator asks for is done then.
    stage.dispatcher.retry(id);
    let taken = within("the second attempt", host.taken(2)).await;
    assert_eq!(taken[0].rcpt, ["RCPT TO:<x@outside.test>"]);
    assert_eq!(taken[1].rcpt, ["RCPT TO:<y@outside.test>"]);
    stage.until_empty().await;
}

#[tokio::test]
async fn mail_waits_for_a_dead_store_and_all_of_it_goes_when_it_is_back() {
    let place = nowhere().await;
    let stage = stage(place, nowhere().await, Names::default());
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(stage.send(mail(&["bob@example.test"])).await);
    }
    stage
        .until("the store to be found dead", |_| {
            stage.dispatcher.whereabouts(ids[4]).down.is_some()
        })
        .await;
    let progress = stage
        .dispatcher
        .queue()
        .get(ids[0])
        .unwrap()
        .progress
        .clone();
    assert_eq!(
        progress[0].attempts, 0,
        "a dead store costs no message an attempt"
    );
    let store = Sink::on(TcpListener::bind(place).await.unwrap(), lmtp());
    within("all of it", store.taken(5)).await;
    stage.until_empty().await;
}

#[tokio::test]
async fn a_failure_is_told_although_other_recipients_still_wait() {
    let store = Sink::start(lmtp()).await;
    store.say(|script| {
        script
            .rcpt
            .insert("nobody@example.test", "550 5.1.1 unknown");
    });
    let hosts = outside(&[(10, "dead.outside.test")]);
    let stage = stage(store.address(), nowhere().await, hosts);
    let id = stage
        .send(mail(&["x@outside.test", "nobody@example.test"]))
        .await;
    stage
        .until("the refusal", |queue| {
            queue
                .get(id)
                .is_some_and(|message| message.progress[1].last.is_some())
        })
        .await;
    stage.dispatcher.retry(id);
    let taken = within("the notice", store.taken(1)).await;
    assert!(is_about(&address("nobody@example.test"), &taken[0].content));
    assert!(
        !taken[0].content.contains("x@outside.test>\n\n"),
        "{}",
        taken[0].content
    );
    stage.dispatcher.delete(id).await.unwrap();
    stage.until_empty().await;
}

#[tokio::test]
async fn many_messages_share_few_connections() {
    let host = Sink::start(Script::default()).await;
    let stage = stage(
        nowhere().await,
        host.address(),
        outside(&[(10, "mx.outside.test")]),
    );
    for _ in 0..20 {
        stage.send(mail(&["x@outside.test"])).await;
    }
    within("all of it", host.taken(20)).await;
    assert!(
        host.connections() <= 4,
        "{} connections",
        host.connections()
    );
    stage.until_empty().await;
}

#[tokio::test]
async fn a_connection_that_the_host_closed_meanwhile_costs_nothing() {
    let host = Sink::start(Script {
        hang_up: true,
        ..Script::default()
    })
    .await;
    let stage = stage(
        nowhere().await,
        host.address(),
        outside(&[(10, "mx.outside.test")]),
    );
    for count in 1..=3 {
        stage.send(mail(&["x@outside.test"])).await;
        within("a message", host.taken(count)).await;
    }
    stage.until_empty().await;
}

#[tokio::test]
async fn an_international_address_needs_a_host_that_takes_it() {
    for offers in [vec![], vec!["SMTPUTF8"]] {
        let takes_it = !offers.is_empty();
        let script = Script {
            offers,
            ..Script::default()
        };
        let (store, host) = (Sink::start(lmtp()).await, Sink::start(script).await);
        store.say(|script| script.offers.push("SMTPUTF8"));
        let stage = stage(
            store.address(),
            host.address(),
            outside(&[(10, "mx.outside.test")]),
        );
        let mut envelope = mail(&["jörg@outside.test"]);
        envelope.parameters.utf8 = Some(Utf8);
        stage.send(envelope).await;
        if takes_it {
            within("the message", host.taken(1)).await;
        } else {
            let taken = within("a notice", store.taken(1)).await;
            assert!(
                taken[0].content.contains("Status: 5.6.7"),
                "{}",
                taken[0].content
            );
        }
        stage.until_empty().await;
    }
}

#[tokio::test]
async fn whoever_asked_hears_of_success() {
    let store = Sink::start(lmtp()).await;
    let stage = stage(store.address(), nowhere().await, Names::default());
    let mut envelope = mail(&["bob@example.test"]);
    envelope.recipients[0].parameters.notify = Some(Notify::On {
        success: true,
        failure: true,
        delay: true,
    });
    stage.send(envelope).await;
    let taken = within("message and report", store.taken(2)).await;
    assert!(
        taken[1].content.contains("Action: delivered"),
        "{}",
        taken[1].content
    );
    stage.until_empty().await;
}

#[tokio::test]
async fn a_held_message_waits_until_it_is_released() {
    let store = Sink::start(lmtp()).await;
    let stage = stage(store.address(), nowhere().await, Names::default());
    let queue = stage.dispatcher.queue();
    let id = queue.new_id();
    let content = Bytes::from_static(b"x\r\n");
    let mut message = Message::new(
        mail(&["bob@example.test"]),
        Content::of(&content),
        Timestamp::now(),
    );
    message.held = true;
    queue
        .accept(id, message, Place::Memory(content))
        .await
        .unwrap();
    stage.dispatcher.submit(id);
    // Another that is sent later arrives before it.
    stage.send(mail(&["bob@example.test"])).await;
    within("the other", store.taken(1)).await;
    stage.dispatcher.release(id).await.unwrap();
    within("the held one", store.taken(2)).await;
    stage.until_empty().await;
}

#[tokio::test]
async fn an_administrators_removal_is_told_if_they_want() {
    let store = Sink::start(lmtp()).await;
    store.say(|script| {
        script.rcpt.insert("bob@example.test", "450 4.2.2 full");
    });
    let stage = stage(store.address(), nowhere().await, Names::default());
    let id = stage.send(mail(&["bob@example.test"])).await;
    stage
        .until("an attempt", |queue| {
            queue
                .get(id)
                .is_some_and(|message| message.progress[0].attempts > 0)
        })
        .await;
    stage.dispatcher.bounce(id).await.unwrap();
    let taken = within("the notice", store.taken(1)).await;
    assert!(
        taken[0].content.contains("Status: 5.7.1"),
        "{}",
        taken[0].content
    );
    stage.until_empty().await;
}

#[tokio::test]
async fn lists_show_what_waits_where_and_why() {
    use crate::control::{Filter, State, entries};
    let hosts = outside(&[(10, "dead.outside.test")]);
    let stage = stage(nowhere().await, nowhere().await, hosts);
    let outside = stage.send(mail(&["x@outside.test"])).await;
    let inside = stage.send(mail(&["bob@example.test"])).await;
    stage
        .until("both to be found unreachable", |_| {
            let down = |id| stage.dispatcher.whereabouts(id).down.is_some();
            down(outside) && down(inside)
        })
        .await;
    let found = |filter| {
        let found = entries(&stage.dispatcher, &filter);
        found.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    let all = entries(&stage.dispatcher, &Filter::default());
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].recipients, ["x@outside.test"]);
    assert!(
        all[0].reason.as_ref().unwrap().contains("cannot connect"),
        "{all:?}"
    );
    let domain = Filter {
        domain: Some("Outside.test".to_owned()),
        ..Filter::default()
    };
    assert_eq!(found(domain), [outside.to_string()]);
    stage.dispatcher.hold(inside).await.unwrap();
    let held = Filter {
        state: Some(State::Held),
        sender: Some("alice@example.test".to_owned()),
        ..Filter::default()
    };
    assert_eq!(found(held), [inside.to_string()]);
    stage.dispatcher.delete(inside).await.unwrap();
    stage.dispatcher.delete(outside).await.unwrap();
    stage.until_empty().await;
}
