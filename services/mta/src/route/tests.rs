use roost_proto_smtp::grammar::rcpt::Notify;

use super::table::{Table, address, store};
use super::*;
use crate::envelope::Recipient;
use crate::outcome::Fate;

fn router(table: Table) -> Arc<Router<Table>> {
    Router::new(table, "mx.example.test".parse().unwrap(), 25)
}

async fn expand(table: Table, to: &str) -> Result<Vec<Routed>, Refused> {
    let recipient = Recipient::plain(address(to));
    router(table).expand(recipient, &Poster::default()).await
}

fn names(routed: &[Routed]) -> Vec<String> {
    let open = routed.iter().filter(|routed| routed.already.is_none());
    let mut names: Vec<_> = open
        .map(|routed| routed.recipient.address.to_string())
        .collect();
    names.sort();
    names
}

fn code(refused: &Refused) -> String {
    match refused {
        Refused::Reply(refusal) => refusal.to_string().chars().take(9).collect(),
        Refused::NotOurs => "not ours".to_owned(),
    }
}

#[tokio::test]
async fn an_alias_becomes_its_account_and_its_sender_hears_of_the_alias() {
    let table = Table::new().alias("info@example.test", "bob@example.test", &[], true);
    let routed = expand(table, "info@example.test").await.unwrap();
    assert_eq!(names(&routed), ["bob@example.test"]);
    assert_eq!(routed[0].recipient.as_given(), "info@example.test");
}

#[tokio::test]
async fn recipients_are_refused_with_the_reason() {
    let mut closed = Table::new().list("team@example.test", &["bob@example.test"]);
    closed.closed_lists.push("team@example.test".to_owned());
    let mut down = Table::new();
    down.down = true;
    for (table, to, expected) in [
        (Table::new(), "nobody@example.test", "550 5.1.1"),
        (Table::new(), "x@elsewhere.test", "not ours"),
        (Table::new(), "nobody@mx.example.test", "550 5.1.1"),
        (Table::new(), "postmaster@example.test", "550 5.1.1"),
        (closed, "team@example.test", "550 5.7.1"),
        (down, "bob@example.test", "451 4.4.3"),
    ] {
        let refused = expand(table, to).await.unwrap_err();
        assert_eq!(code(&refused), expected, "{to}");
    }
}

#[tokio::test]
async fn offices_that_nobody_holds_are_the_postmasters() {
    for to in [
        "Postmaster@example.test",
        "postmaster@mx.example.test",
        "abuse@example.test",
    ] {
        let mut table = Table::new().mailbox("admin@example.test");
        table.postmasters.push(address("admin@example.test"));
        let routed = expand(table, to).await.unwrap();
        assert_eq!(names(&routed), ["admin@example.test"], "{to}");
    }
}

#[tokio::test]
async fn lists_in_circles_reach_everybody_once() {
    let table = Table::new()
        .list(
            "all@example.test",
            &["team@example.test", "bob@example.test", "x@outside.test"],
        )
        .list(
            "team@example.test",
            &["all@example.test", "BOB@example.test", "carol@example.test"],
        )
        .mailbox("bob@example.test")
        .mailbox("carol@example.test");
    let routed = expand(table, "all@example.test").await.unwrap();
    assert_eq!(
        names(&routed),
        ["bob@example.test", "carol@example.test", "x@outside.test"]
    );
    let via = routed[0].recipient.expanded_from.as_ref().unwrap();
    assert!(via.to_string().ends_with("@example.test"));
}

#[tokio::test]
async fn errors_of_a_list_go_to_its_owner() {
    let table = Table::new()
        .list("team@example.test", &["bob@example.test"])
        .mailbox("bob@example.test")
        .mailbox("owner-team@example.test");
    let routed = expand(table, "team@example.test").await.unwrap();
    let owner = routed[0].recipient.errors_to.as_ref().unwrap();
    assert_eq!(owner.to_string(), "owner-team@example.test");
}

#[tokio::test]
async fn forwarding_keeps_a_copy_only_if_asked() {
    for (keep, expected) in [
        (true, vec!["bob@example.test", "bob@outside.test"]),
        (false, vec!["bob@outside.test"]),
    ] {
        let table = Table::new().alias(
            "bob@example.test",
            "bob@example.test",
            &["bob@outside.test"],
            keep,
        );
        let routed = expand(table, "bob@example.test").await.unwrap();
        assert_eq!(names(&routed), expected);
    }
}

#[tokio::test]
async fn forwardings_that_lead_nowhere_but_back_are_a_loop() {
    let table = Table::new()
        .alias(
            "a@example.test",
            "a@example.test",
            &["b@example.test"],
            false,
        )
        .alias(
            "b@example.test",
            "b@example.test",
            &["a@example.test"],
            false,
        );
    let refused = expand(table, "a@example.test").await.unwrap_err();
    assert_eq!(code(&refused), "554 5.4.6");
}

#[tokio::test]
async fn success_is_reported_about_the_list_and_not_its_members() {
    let table = Table::new()
        .list("team@example.test", &["bob@example.test"])
        .mailbox("bob@example.test");
    let mut recipient = Recipient::plain(address("team@example.test"));
    recipient.parameters.notify = Some(Notify::On {
        success: true,
        failure: true,
        delay: false,
    });
    let routed = router(table)
        .expand(recipient, &Poster::default())
        .await
        .unwrap();
    assert_eq!(routed[0].already, Some(Fate::Expanded));
    assert_eq!(routed[0].recipient.address.to_string(), "team@example.test");
    assert!(!routed[1].recipient.wants_success());
    assert!(routed[1].recipient.wants_failure());
}

#[tokio::test]
async fn the_next_hop_is_the_store_the_relay_or_the_domain() {
    let router = router(Table::new().mailbox("bob@example.test"));
    let next = async |to: &str| router.next_hop(&address(to)).await;
    assert_eq!(next("bob@example.test").await, NextHop::Hop(store()));
    assert!(matches!(
        next("gone@example.test").await,
        NextHop::Never(status::NO_MAILBOX, _)
    ));
    let shown = |next| match next {
        NextHop::Hop(hop) => hop.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(next("x@outside.test").await), "outside.test");
    assert_eq!(shown(next("x@[192.0.2.1]").await), "smtp:[192.0.2.1]:25");
    router.set_relay(Some(Hop::Smtp {
        host: "relay.test".to_owned(),
        port: 587,
    }));
    assert_eq!(shown(next("x@outside.test").await), "smtp:[relay.test]:587");
}
