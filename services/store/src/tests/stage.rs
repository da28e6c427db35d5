//! A store that serves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use roost_kit::clock::Clock;
use roost_kit::disk::RealDisk;
use roost_kit::limit::LoginGuard;
use roost_kit::metrics::Metrics;
use roost_kit::net::{Stream, Surroundings};
use roost_kit::tasks::Tasks;
use roost_kit::tls::Tls;
use roost_mailbox::Store;
use roost_proto_imap::limits::Limits;
use roost_proto_smtp::{Config, Role};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::wire::Wire;
use crate::accounts::table::TableAccounts;
use crate::door::Porter;
use crate::imap::{self, Imap};
use crate::lmtp::{Deliverer, Lmtp, Room};
use crate::metrics::Counts;
use crate::pop3::Pop3;
use roost_login::Presence;

pub(super) const ALICE: &str = "alice@example.test";
pub(super) const BOB: &str = "bob@example.test";

/// Sessions that one account may have on the stage.
pub(super) const SESSIONS: u32 = 3;

pub(super) struct Stage {
    pub(super) accounts: TableAccounts,
    pub(super) tasks: Tasks,
    lmtp: SocketAddr,
    imap: SocketAddr,
    pop3: SocketAddr,
    _folder: TempDir,
}

impl Stage {
    /// Alice and Bob have mailboxes; nobody has mail.
    pub(super) async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let config = roost_mailbox::Config::new(folder.path());
        let store = Store::open(config, Arc::new(RealDisk), clock.clone())
            .await
            .unwrap();
        let accounts = TableAccounts::default();
        accounts.add(ALICE, None);
        accounts.add(BOB, Some(20_000));
        let tasks = Tasks::new();
        let around = Surroundings {
            write_timeout: Duration::from_secs(60),
            clock: clock.clone(),
            tls: Tls::none(),
            draining: tasks.draining(),
        };
        let counts = Counts::new(&Metrics::new("roost-store", "0"));
        let porter = Arc::new(Porter {
            accounts: accounts.clone(),
            counts: counts.clone(),
            guard: LoginGuard::new(clock.clone()),
            presence: Presence::new(SESSIONS),
            proxies: roost_kit::net::Networks::loopback(),
            scram: AtomicBool::new(false),
        });
        let node: roost_proto_smtp::Domain = "store.example.test".parse().unwrap();
        let lmtp = Lmtp {
            config: Arc::new(Config {
                message_size_max: 1 << 20,
                ..Config::new(Role::Lmtp, node.clone())
            }),
            deliverer: Arc::new(Deliverer {
                accounts: accounts.clone(),
                store: store.clone(),
                node,
                clock,
                counts,
                room: Room::new(64 << 20),
            }),
            around: around.clone(),
        };
        let imap = Imap {
            limits: Limits::default(),
            porter: Arc::clone(&porter),
            store: store.clone(),
            room: imap::Room::default(),
            around: around.clone(),
        };
        let pop3 = Pop3 {
            timeout: Duration::from_secs(60),
            porter,
            store,
            around,
        };
        Self {
            lmtp: listen(&tasks, move |stream| lmtp.clone().serve(stream)).await,
            imap: listen(&tasks, move |stream| imap.clone().serve(stream)).await,
            pop3: listen(&tasks, move |stream| pop3.clone().serve(stream)).await,
            accounts,
            tasks,
            _folder: folder,
        }
    }

    /// A greeted LMTP session.
    pub(super) async fn lmtp(&self) -> Wire {
        let mut wire = Wire::connect(self.lmtp).await;
        wire.expect("220 store.example.test LMTP").await;
        wire.say("LHLO mx.example.test").await;
        wire.until("250 ").await;
        wire
    }

    /// An IMAP session of this account.
    pub(super) async fn imap(&self, account: &str) -> Wire {
        let mut wire = Wire::connect(self.imap).await;
        wire.expect("* OK ").await;
        wire.say(&format!("l LOGIN {account} secret")).await;
        wire.until("l OK ").await;
        wire
    }

    /// A greeted IMAP session of nobody.
    pub(super) async fn imap_stranger(&self) -> Wire {
        let mut wire = Wire::connect(self.imap).await;
        wire.expect("* OK ").await;
        wire
    }

    /// A POP3 session of this account.
    pub(super) async fn pop3(&self, account: &str) -> Wire {
        let mut wire = Wire::connect(self.pop3).await;
        wire.expect("+OK").await;
        wire.say(&format!("USER {account}")).await;
        wire.expect("+OK").await;
        wire.say("PASS secret").await;
        wire.expect("+OK").await;
        wire
    }

    /// A greeted POP3 session of nobody.
    pub(super) async fn pop3_stranger(&self) -> Wire {
        let mut wire = Wire::connect(self.pop3).await;
        wire.expect("+OK").await;
        wire
    }

    /// Delivers a message; the replies, one a recipient.
    pub(super) async fn deliver(&self, recipients: &[&str], message: &str) -> Vec<String> {
        let mut wire = self.lmtp().await;
        wire.say("MAIL FROM:<sender@example.net>").await;
        wire.expect("250 ").await;
        for recipient in recipients {
            wire.say(&format!("RCPT TO:<{recipient}>")).await;
            wire.expect("250 ").await;
        }
        wire.say("DATA").await;
        wire.expect("354 ").await;
        wire.send(message.as_bytes()).await;
        wire.say(".").await;
        let mut replies = Vec::new();
        for _ in recipients {
            replies.push(wire.line().await);
        }
        wire.say("QUIT").await;
        wire.expect("221 ").await;
        replies
    }
}

async fn listen<F, Fut>(tasks: &Tasks, serve: F) -> SocketAddr
where
    F: Fn(Stream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sessions, draining) = (tasks.clone(), tasks.draining());
    tasks.spawn("listener", async move {
        loop {
            tokio::select! {
                () = draining.cancelled() => return,
                accepted = listener.accept() => {
                    let stream = Stream::from_tcp(accepted.unwrap().0).unwrap();
                    sessions.spawn("session", serve(stream));
                }
            }
        }
    });
    address
}

/// A message without its trace fields: what its sender wrote.
pub(super) fn without_trace(stored: &str) -> &str {
    let written = stored.find("From: ").unwrap();
    let (trace, written) = stored.split_at(written);
    assert!(
        trace.starts_with("Return-Path: <sender@example.net>\r\n"),
        "{trace}"
    );
    assert!(
        trace.contains("\r\nReceived: from mx.example.test"),
        "{trace}"
    );
    assert!(
        trace.contains("by store.example.test (Roost) with LMTP id "),
        "{trace}"
    );
    written
}
