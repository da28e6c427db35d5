//! What becomes of mail.

use roost_core_directory::client::{Deferral, Refusal, Resolution};
use roost_core_directory::model::Transport;

use crate::server::{NODE, Server, address};

/// What becomes of an address, in a word or two.
async fn route(server: &Server, to: &str) -> String {
    server.daemon.forget();
    match server.daemon.recipient(&address(to)).await.unwrap() {
        Resolution::Account(route) => {
            let detail = route
                .detail
                .map(|detail| format!("+{detail}"))
                .unwrap_or_default();
            let forwards: Vec<_> = route
                .forwarding
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect();
            let keep = if route.forwarding.keep { "" } else { " only" };
            let forwards = if forwards.is_empty() {
                String::new()
            } else {
                format!(" forwards{keep} to {}", forwards.join(" "))
            };
            format!("account {}{detail}{forwards}", route.account.name)
        }
        Resolution::List(route) => {
            let members: Vec<_> = route.members.iter().map(ToString::to_string).collect();
            format!("list {}: {}", route.list.name, members.join(" "))
        }
        Resolution::Forward(addresses) => format!("forward to {addresses:?}"),
        Resolution::Relay { address, transport } => format!("relay {address} to {transport}"),
        Resolution::UnknownUser => "unknown".to_owned(),
        Resolution::NotLocal => "not local".to_owned(),
        Resolution::Refused(refusal) => format!("refused: {refusal:?}"),
        Resolution::Deferred(deferral) => format!("deferred: {deferral:?}"),
    }
}

#[track_caller]
fn same(got: &str, expected: &str, to: &str) {
    assert_eq!(got, expected, "mail for {to}");
}

pub async fn mail_finds_accounts(server: &Server) {
    server.domain("alias.test", Some("example.test")).await;
    let alice = address("alice@example.test");
    server
        .admin
        .create_alias(&alice, &address("al@example.test"))
        .await
        .unwrap();
    for (to, expected) in [
        ("alice@example.test", "account alice@example.test"),
        ("Alice@EXAMPLE.test", "account alice@example.test"),
        ("al@example.test", "account alice@example.test"),
        ("al+shop@example.test", "account alice@example.test+shop"),
        ("alice@alias.test", "account alice@example.test"),
        ("alice+x@alias.test", "account alice@example.test+x"),
        ("nobody@example.test", "unknown"),
        ("nobody@alias.test", "unknown"),
        ("alice@elsewhere.test", "not local"),
    ] {
        same(&route(server, to).await, expected, to);
    }
    let Resolution::Account(found) = server.daemon.recipient(&alice).await.unwrap() else {
        panic!()
    };
    assert_eq!(
        found.transport,
        Transport::Lmtp {
            host: NODE.into(),
            port: 7025
        }
    );

    let to = "alice@example.test";
    server
        .set(to, &["zimbraPrefMailForwardingAddress=a@x.test, b@y.test"])
        .await;
    let expected = "account alice@example.test forwards to a@x.test b@y.test";
    same(&route(server, to).await, expected, to);
    server
        .set(to, &["zimbraPrefMailLocalDeliveryDisabled=TRUE"])
        .await;
    let expected = "account alice@example.test forwards only to a@x.test b@y.test";
    same(&route(server, to).await, expected, to);
    server
        .set(to, &["zimbraFeatureMailForwardingEnabled=FALSE"])
        .await;
    same(&route(server, to).await, "account alice@example.test", to);

    for (status, expected) in [
        ("locked", "account alice@example.test".to_owned()),
        (
            "maintenance",
            format!("deferred: {:?}", Deferral::Maintenance),
        ),
        ("closed", format!("refused: {:?}", Refusal::Closed)),
    ] {
        server
            .set(to, &[&format!("zimbraAccountStatus={status}")])
            .await;
        same(&route(server, to).await, &expected, to);
    }
}

pub async fn mail_finds_members(server: &Server) {
    let (all, inner) = (address("all@example.test"), address("inner@example.test"));
    let members = [
        address("alice@example.test"),
        inner.clone(),
        address("guest@elsewhere.test"),
    ];
    server.admin.create_list(&all, &members, &[]).await.unwrap();
    // The lists contain each other: nobody gets the mail twice, and it ends.
    server
        .admin
        .create_list(
            &inner,
            &[address("bob@example.test"), all.clone(), members[0].clone()],
            &[],
        )
        .await
        .unwrap();
    server
        .admin
        .create_alias(&all, &address("everybody@example.test"))
        .await
        .unwrap();
    let everybody = "guest@elsewhere.test alice@example.test bob@example.test";
    for to in ["all@example.test", "everybody@example.test"] {
        same(
            &route(server, to).await,
            &format!("list all@example.test: {everybody}"),
            to,
        );
    }
    let off = ["zimbraMailStatus=disabled".parse().unwrap()];
    server.admin.modify_list(&inner, &off).await.unwrap();
    let to = "all@example.test";
    let fewer = "list all@example.test: guest@elsewhere.test alice@example.test";
    same(&route(server, to).await, fewer, to);
    let to = "inner@example.test";
    same(
        &route(server, to).await,
        &format!("refused: {:?}", Refusal::Disabled),
        to,
    );
}

pub async fn mail_for_unknown_addresses_is_caught(server: &Server) {
    server
        .set(
            "bob@example.test",
            &["zimbraMailCatchAllAddress=@example.test"],
        )
        .await;
    for (to, expected) in [
        ("nobody@example.test", "account bob@example.test"),
        ("alice@example.test", "account alice@example.test"),
        ("alice+x@example.test", "account alice@example.test+x"),
    ] {
        same(&route(server, to).await, expected, to);
    }
    // A domain whose addresses are tried in another one, as Zimbra sets domain aliases up.
    server.domain("old.test", None).await;
    let old = "old.test".parse().unwrap();
    let edits = [
        "zimbraMailCatchAllAddress=@old.test",
        "zimbraMailCatchAllForwardingAddress=@example.test",
    ];
    let edits: Vec<_> = edits.iter().map(|text| text.parse().unwrap()).collect();
    server.admin.modify_domain(&old, &edits).await.unwrap();
    same(
        &route(server, "alice@old.test").await,
        "account alice@example.test",
        "alice@old.test",
    );
    // A domain that is shared with another mail system.
    let edits = [
        "zimbraMailCatchAllForwardingAddress=@old.test",
        "zimbraMailTransport=smtp:legacy.test:25",
    ];
    let edits: Vec<_> = edits.iter().map(|text| text.parse().unwrap()).collect();
    server.admin.modify_domain(&old, &edits).await.unwrap();
    let to = "someone@old.test";
    same(
        &route(server, to).await,
        "relay someone@old.test to smtp:legacy.test:25",
        to,
    );
    // Two domains that lead to each other.
    server.domain("older.test", None).await;
    let edits = [
        "zimbraMailCatchAllAddress=@older.test",
        "zimbraMailCatchAllForwardingAddress=@old.test",
    ];
    let edits: Vec<_> = edits.iter().map(|text| text.parse().unwrap()).collect();
    server
        .admin
        .modify_domain(&"older.test".parse().unwrap(), &edits)
        .await
        .unwrap();
    let edit = "zimbraMailCatchAllForwardingAddress=@older.test"
        .parse()
        .unwrap();
    server.admin.modify_domain(&old, &[edit]).await.unwrap();
    let to = "someone@older.test";
    same(
        &route(server, to).await,
        &format!("refused: {:?}", Refusal::Loop),
        to,
    );
}

pub async fn lists_may_be_closed_to_strangers(server: &Server) {
    let name = address("board@example.test");
    server
        .admin
        .create_list(&name, &[address("alice@example.test")], &[])
        .await
        .unwrap();
    let alice = server
        .daemon
        .account(&address("alice@example.test"))
        .await
        .unwrap()
        .unwrap();
    let bob = server
        .daemon
        .account(&address("bob@example.test"))
        .await
        .unwrap()
        .unwrap();
    let stranger = address("x@elsewhere.test");
    let may = async |sender| {
        server.daemon.forget();
        let list = server.daemon.list(&name).await.unwrap().unwrap();
        server
            .daemon
            .may_send_to(&list, sender, Some(&stranger))
            .await
            .unwrap()
    };
    assert!(may(None).await, "a list is open until it says otherwise");
    let grant = |text: String| [format!("zimbraACE={text}").parse().unwrap()];
    server
        .admin
        .modify_list(&name, &grant(format!("{} usr sendToDistList", bob.id)))
        .await
        .unwrap();
    assert_eq!(
        (
            may(Some(&bob)).await,
            may(Some(&alice)).await,
            may(None).await
        ),
        (true, false, false)
    );
    let own = server.daemon.list(&name).await.unwrap().unwrap().id;
    server
        .admin
        .modify_list(&name, &grant(format!("{own} grp sendToDistList")))
        .await
        .unwrap();
    assert_eq!(
        (may(Some(&bob)).await, may(Some(&alice)).await),
        (false, true),
        "members only"
    );
}
