//! Sessions against the real queue, without sockets: what is typed, what is answered, what is
//! queued.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::RwLock;
use rand::SeedableRng;
use rand::rngs::StdRng;
use roost_journal::sim_disk::SimDisk;
use roost_kit::clock::Clock;
use roost_kit::limit::LoginGuard;
use roost_kit::metrics::Metrics;
use roost_kit::net::Peer;
use roost_kit::tasks::Tasks;
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Login, Parameters, Proof, Refused};
use roost_proto_smtp::session::{Client, Security};
use roost_proto_smtp::{Address, Config, Next, Role, Session};

use super::accounts::Accounts;
use super::backend::{Entrance, SmtpBackend, rates};
use super::names::ClientNames;
use super::policy::{Policy, Present};
use crate::dispatch::destinations::Concurrency;
use crate::dispatch::{Dispatcher, Parts};
use crate::metrics::Counts;
use crate::outbound::dns::Mx;
use crate::outbound::tls::Policies;
use crate::outbound::{Courier, Dns, DnsTrouble, Ways};
use crate::queue::Queue;
use crate::queue::message::Message;
use crate::queue::recovery::Settings;
use crate::route::table::{Table, address};
use crate::route::{Router, Unavailable};
use crate::schedule::Lifetime;

/// alice, with the password `secret`.
#[derive(Debug)]
struct OneAccount;

impl Accounts for OneAccount {
    type Account = Address;

    async fn password(&self, login: &Login) -> Result<Address, Refused> {
        match login.authcid == "alice" && login.password.expose() == "secret" {
            true => Ok(address("alice@example.test")),
            false => Err(Refused::Credentials),
        }
    }

    async fn scram_parameters(&self, _name: &str) -> Result<Parameters, Refused> {
        Err(Refused::Unavailable)
    }

    async fn scram_verify(&self, _proof: &Proof) -> Result<(Address, ServerSignature), Refused> {
        Err(Refused::Unavailable)
    }

    async fn may_send_as(&self, account: &Address, as_: &Address) -> Result<bool, Unavailable> {
        Ok(account == as_)
    }

    fn name(&self, account: &Address) -> String {
        account.to_string()
    }
}

#[derive(Debug)]
struct NoDns;

impl Dns for NoDns {
    async fn mx(&self, _domain: &str) -> Result<Vec<Mx>, DnsTrouble> {
        Err(DnsTrouble::NoName)
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsTrouble> {
        match host {
            "host.outside.test" => Ok(vec![NAMED.parse().unwrap()]),
            _ => Err(DnsTrouble::NoName),
        }
    }

    async fn names(&self, address: IpAddr) -> Result<Vec<String>, DnsTrouble> {
        match address.to_string().as_str() {
            NAMED => Ok(vec!["host.outside.test".to_owned()]),
            _ => Err(DnsTrouble::NoName),
        }
    }
}

struct Stage {
    queue: Arc<Queue>,
    entrance: Arc<Entrance<Table, OneAccount, NoDns>>,
}

const OUTSIDE: &str = "192.0.2.1";

/// A client whose address has a name.
const NAMED: &str = "192.0.2.7";

impl Stage {
    fn new(table: Table) -> Self {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let settings = Settings::new("/queue", 1 << 20);
        let disk = Arc::new(SimDisk::new());
        let queue = Arc::new(Queue::open(&settings, disk, clock.clone()).unwrap());
        let host: roost_proto_smtp::Domain = "mx.example.test".parse().unwrap();
        let router = Router::new(table, host.clone(), 25);
        let counts = Counts::new(&Metrics::new("roost-mta", "0"));
        // It does not run: what is queued stays to be looked at.
        let dispatcher = Dispatcher::new(Parts {
            queue: Arc::clone(&queue),
            router: Arc::clone(&router),
            courier: Courier {
                dns: NoDns,
                host: host.clone(),
                ways: RwLock::new(Ways::new(BTreeMap::new(), Policies::default()).unwrap()),
            },
            tasks: Tasks::new(),
            clock: clock.clone(),
            lifetime: Lifetime::default(),
            concurrency: Concurrency { total: 1, each: 1 },
            counts: counts.clone(),
            random: StdRng::seed_from_u64(1),
        });
        let entrance = Entrance {
            host,
            queue: Arc::clone(&queue),
            router,
            accounts: OneAccount,
            dispatcher,
            policy: Present::new(1_000_000),
            names: Arc::new(ClientNames::new(NoDns, clock.clone())),
            guard: LoginGuard::new(clock.clone()),
            rates: RwLock::new(rates(3, &clock)),
            counts,
            clock,
        };
        Self {
            queue,
            entrance: Arc::new(entrance),
        }
    }

    /// Types `lines` as a client at `address`; the replies that follow the EHLO's.
    async fn play(&self, role: Role, address: &str, lines: &str) -> Vec<String> {
        let peer = Peer::remote(format!("{address}:1").parse().unwrap());
        let mut config = Config::new(role, self.entrance.host.clone());
        config.message_size_max = self.entrance.policy.get().message_size_max;
        let security = match peer.is_loopback() {
            true => Security::Loopback,
            false => Security::None,
        };
        let client = Client::new(peer.ip(), security);
        let backend = SmtpBackend::new(Arc::clone(&self.entrance), peer);
        let now = self.entrance.clock.instant();
        let mut session = Session::new(backend, Arc::new(config), client, now);
        let typed = format!("EHLO client.example\r\n{}", lines.replace('\n', "\r\n"));
        session.input().extend_from_slice(typed.as_bytes());
        loop {
            match session.step(now).await {
                Next::Read | Next::Close | Next::StartTls => break,
                Next::Continue | Next::Write | Next::Wait(_) => {}
            }
        }
        let said = String::from_utf8(session.output().to_vec()).unwrap();
        let replies = said.lines().skip_while(|line| !line.starts_with("250 "));
        replies.skip(1).map(str::to_owned).collect()
    }

    async fn mx(&self, lines: &str) -> Vec<String> {
        self.play(Role::Mx, OUTSIDE, lines).await
    }

    fn only(&self) -> Arc<Message> {
        let all = self.queue.list();
        assert_eq!(all.len(), 1);
        Arc::clone(&all[0].1)
    }

    async fn content(&self) -> String {
        let (id, _) = self.queue.list()[0];
        let content = self.queue.content(id).await.unwrap();
        String::from_utf8(content.beginning(u64::MAX).await.unwrap()).unwrap()
    }
}

#[track_caller]
fn ends_with(replies: &[String], expected: &str) {
    let last = replies.last().map_or("", String::as_str);
    assert!(
        last.starts_with(expected),
        "{expected} expected: {replies:#?}"
    );
}

const BOB: &str = "MAIL FROM:<x@outside.test>\nRCPT TO:<bob@example.test>\n";

fn bob() -> Stage {
    Stage::new(Table::new().mailbox("bob@example.test"))
}

#[tokio::test]
async fn a_client_is_called_by_the_name_that_leads_back_to_it() {
    for (address, origin) in [(NAMED, "host.outside.test"), (OUTSIDE, "unknown")] {
        let stage = bob();
        stage
            .play(Role::Mx, address, &format!("{BOB}DATA\n\nhi\n.\n"))
            .await;
        let start = format!("Received: from client.example ({origin} [{address}])\r\n");
        let content = stage.content().await;
        assert!(content.starts_with(&start), "{content}");
    }
}

#[tokio::test]
async fn a_message_is_acknowledged_with_its_name_and_is_then_in_the_queue() {
    let stage = bob();
    let replies = stage
        .mx(&format!("{BOB}DATA\nSubject: hi\n\nhello\n.\n"))
        .await;
    let (id, message) = stage.queue.list().remove(0);
    ends_with(&replies, &format!("250 2.0.0 Ok: queued as {id}"));
    assert_eq!(
        message.envelope.recipients[0].address.to_string(),
        "bob@example.test"
    );
    let content = stage.content().await;
    assert!(content.starts_with("Received: from client.example (unknown [192.0.2.1])\r\n"));
    assert!(content.contains(&format!("with ESMTP id {id}\r\n\tfor <bob@example.test>;")));
    assert!(
        content.ends_with("\r\nSubject: hi\r\n\r\nhello\r\n"),
        "{content}"
    );
}

#[tokio::test]
async fn a_large_message_is_a_file_before_it_is_acknowledged() {
    let stage = bob();
    let body = "0123456789\n".repeat(40_000);
    let replies = stage
        .mx(&format!("{BOB}DATA\nSubject: hi\n\n{body}.\n"))
        .await;
    ends_with(&replies, "250 2.0.0");
    assert_eq!(stage.queue.spool().list().unwrap().len(), 1);
    assert!(stage.content().await.ends_with("0123456789\r\n"));
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let stage = bob();
    let body = "0123456789\n".repeat(120_000);
    let replies = stage
        .mx(&format!("{BOB}DATA\nSubject: hi\n\n{body}.\n"))
        .await;
    ends_with(&replies, "552 5.3.4");
    let hops = "Received: from a by b\n".repeat(101);
    let replies = stage
        .mx(&format!("{BOB}DATA\n{hops}\n{}.\n", "x\n".repeat(100_000)))
        .await;
    ends_with(&replies, "554 5.4.6");
    assert!(stage.queue.is_empty());
    assert_eq!(stage.queue.spool().list().unwrap(), []);
}

#[tokio::test]
async fn relaying_is_for_those_who_signed_in_and_trusted_networks() {
    let relay = "MAIL FROM:<alice@example.test>\nRCPT TO:<x@elsewhere.test>\n";
    let stage = bob();
    ends_with(&stage.mx(relay).await, "554 5.7.1");
    let signed_in = format!("AUTH PLAIN AGFsaWNlAHNlY3JldA==\n{relay}");
    ends_with(
        &stage.play(Role::Submission, "127.0.0.1", &signed_in).await,
        "250 2.1.5",
    );
    ends_with(
        &stage.play(Role::Submission, "127.0.0.1", relay).await,
        "503 5.5.1",
    );
    stage.entrance.policy.set(Policy {
        networks: vec!["192.0.2.0/24".parse().unwrap()],
        ..Policy::first(1_000_000)
    });
    ends_with(&stage.mx(relay).await, "250 2.1.5");
}

#[tokio::test]
async fn a_sender_must_be_ones_own_and_what_is_missing_is_added() {
    let stage = bob();
    let auth = "AUTH PLAIN AGFsaWNlAHNlY3JldA==\n";
    let as_bob = format!("{auth}MAIL FROM:<bob@example.test>\n");
    ends_with(
        &stage.play(Role::Submission, "127.0.0.1", &as_bob).await,
        "553 5.7.1",
    );
    let as_alice = format!(
        "{auth}MAIL FROM:<alice@example.test>\nRCPT TO:<bob@example.test>\nDATA\nSubject: hi\n\nx\n.\n"
    );
    ends_with(
        &stage.play(Role::Submission, "127.0.0.1", &as_alice).await,
        "250 2.0.0",
    );
    let content = stage.content().await;
    for field in [
        "with ESMTPA id",
        "\r\nFrom: <alice@example.test>\r\n",
        "\r\nDate: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
        "@mx.example.test>\r\nSubject: hi\r\n\r\nx\r\n",
    ] {
        assert!(content.contains(field), "no {field:?} in {content}");
    }
}

#[tokio::test]
async fn each_recipient_gets_one_copy_however_it_is_named() {
    let table = Table::new()
        .mailbox("bob@example.test")
        .alias("info@example.test", "bob@example.test", &[], true)
        .list("team@example.test", &["BOB@example.test", "x@outside.test"]);
    let stage = Stage::new(table);
    let replies = stage
        .mx("MAIL FROM:<x@outside.test>\nRCPT TO:<info@example.test>\n\
             RCPT TO:<bob@example.test>\nRCPT TO:<team@example.test>\nDATA\n\n.\n")
        .await;
    ends_with(&replies, "250 2.0.0");
    let message = stage.only();
    let names: Vec<_> = message
        .envelope
        .recipients
        .iter()
        .map(|r| r.address.to_string())
        .collect();
    assert_eq!(names, ["bob@example.test", "x@outside.test"]);
}

#[tokio::test]
async fn a_message_that_a_list_has_expanded_before_is_a_loop() {
    let table = Table::new()
        .mailbox("bob@example.test")
        .list("team@example.test", &["bob@example.test"]);
    let stage = Stage::new(table);
    let replies = stage
        .mx(
            "MAIL FROM:<x@outside.test>\nRCPT TO:<team@example.test>\nDATA\n\
             Delivered-To: team@example.test\n\nx\n.\n",
        )
        .await;
    ends_with(&replies, "554 5.4.6");
}

#[tokio::test]
async fn too_much_mail_in_a_short_time_is_put_off() {
    let stage = bob();
    let four = "MAIL FROM:<x@outside.test>\nRSET\n".repeat(4);
    let replies = stage.mx(&four).await;
    assert!(
        replies.iter().any(|reply| reply.starts_with("451 4.7.1")),
        "{replies:#?}"
    );
    let replies = stage.play(Role::Mx, "127.0.0.1", &four).await;
    assert!(
        replies.iter().all(|reply| reply.starts_with("250")),
        "{replies:#?}"
    );
}

#[tokio::test]
async fn a_dead_directory_puts_mail_off_and_refuses_none() {
    let mut table = Table::new();
    table.down = true;
    ends_with(&Stage::new(table).mx(BOB).await, "451 4.4.3");
}

#[tokio::test]
async fn eight_bit_content_is_declared() {
    let stage = bob();
    ends_with(
        &stage
            .mx(&format!("{BOB}DATA\nSubject: gr\u{fc}n\n\nx\n.\n"))
            .await,
        "250",
    );
    let body = stage.only().envelope.parameters.body;
    assert_eq!(
        body,
        Some(roost_proto_smtp::grammar::mail::Body::EightBitMime)
    );
}
