//! Finding things.

use std::collections::HashSet;

use roost_core_directory::name::DomainName;
use roost_core_directory::resolve::{Level, Origin};
use roost_core_directory::schema::{self, Source};

use crate::server::{Server, address};

pub async fn accounts_are_found_under_every_address(server: &Server) {
    let alice = address("alice@example.test");
    let al = address("al@example.test");
    server.admin.create_alias(&alice, &al).await.unwrap();
    let found = server
        .daemon
        .account(&address("ALICE@Example.TEST"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.name, alice);
    assert_eq!(
        server.daemon.account(&al).await.unwrap().unwrap().id,
        found.id
    );
    assert_eq!(
        server
            .daemon
            .account_by_id(found.id)
            .await
            .unwrap()
            .unwrap()
            .name,
        alice
    );
    assert_eq!(
        found.addresses().collect::<HashSet<_>>(),
        [alice, al].into()
    );
    assert!(
        server
            .daemon
            .account(&address("nobody@example.test"))
            .await
            .unwrap()
            .is_none()
    );
    // Characters that mean something in a filter are only characters here.
    assert!(
        server
            .daemon
            .account(&address("*@example.test"))
            .await
            .unwrap()
            .is_none()
    );
    // RFC 6531: local parts beyond ASCII.
    server.account("jürgen@example.test", &[]).await;
    let found = server
        .daemon
        .account(&address("JÜRGEN@example.test"))
        .await
        .unwrap();
    assert_eq!(found.unwrap().name, address("jürgen@example.test"));
    let domain = DomainName::parse("example.test").unwrap();
    assert!(server.daemon.is_local_domain(&domain).await.unwrap());
    assert!(
        !server
            .daemon
            .is_local_domain(&domain.parent().unwrap())
            .await
            .unwrap()
    );
}

pub async fn settings_are_inherited(server: &Server) {
    let admin = &server.admin;
    let alice = address("alice@example.test");
    let domain = DomainName::parse("example.test").unwrap();
    let quota = async || {
        server.daemon.forget();
        let account = server.daemon.account(&alice).await.unwrap().unwrap();
        (account.quota(), account.setting("zimbraMailQuota").origin)
    };
    assert_eq!(quota().await, (None, Origin::Default));
    admin
        .modify_cos("default", &["zimbraMailQuota=1000".parse().unwrap()])
        .await
        .unwrap();
    assert_eq!(quota().await, (Some(1000), Origin::Level(Level::Cos)));
    admin
        .create_cos("big", &["zimbraMailQuota=5000".parse().unwrap()])
        .await
        .unwrap();
    let big = admin.get_cos("big").await.unwrap().id;
    let edit = format!("zimbraDomainDefaultCOSId={big}").parse().unwrap();
    admin.modify_domain(&domain, &[edit]).await.unwrap();
    assert_eq!(quota().await, (Some(5000), Origin::Level(Level::Cos)));
    server
        .set("alice@example.test", &["zimbraMailQuota=7000"])
        .await;
    assert_eq!(quota().await, (Some(7000), Origin::Level(Level::Account)));
    admin
        .modify_domain(&domain, &["zimbraMailDomainQuota=6000".parse().unwrap()])
        .await
        .unwrap();
    assert_eq!(
        quota().await.0,
        Some(6000),
        "the domain's largest mailbox bounds it"
    );

    admin
        .modify_config(&["zimbraLmtpBindPort=7777".parse().unwrap()])
        .await
        .unwrap();
    let port = async || {
        server.daemon.forget();
        let node = server
            .daemon
            .server(crate::server::NODE)
            .await
            .unwrap()
            .unwrap();
        node.port("zimbraLmtpBindPort")
    };
    assert_eq!(port().await, Some(7777));
    let edit = "zimbraLmtpBindPort=8888".parse().unwrap();
    admin
        .modify_server(crate::server::NODE, &[edit])
        .await
        .unwrap();
    assert_eq!(port().await, Some(8888));
}

pub async fn the_schema_is_served(server: &Server) {
    let mut ldap = server
        .raw(
            roost_core_directory::dn::ADMIN,
            crate::server::ADMIN_PASSWORD,
        )
        .await;
    let base = ldap3::Scope::Base;
    let (root, _) = ldap
        .search("", base, "(objectClass=*)", vec!["subschemaSubentry"])
        .await
        .unwrap()
        .success()
        .unwrap();
    let root = ldap3::SearchEntry::construct(root.into_iter().next().unwrap());
    let name = &root.attrs["subschemaSubentry"][0];
    let (found, _) = ldap
        .search(
            name,
            base,
            "(objectClass=subschema)",
            vec!["attributeTypes", "objectClasses"],
        )
        .await
        .unwrap()
        .success()
        .unwrap();
    let found = ldap3::SearchEntry::construct(found.into_iter().next().unwrap());
    let text = found.attrs["attributeTypes"].join("\n") + &found.attrs["objectClasses"].join("\n");
    let ours = schema::attributes()
        .filter(|row| row.source == Source::Roost)
        .map(|row| row.name)
        .chain(schema::classes().map(|class| class.name));
    for name in ours {
        assert!(
            text.contains(&format!("'{name}'")),
            "{name} is not in the schema"
        );
    }
}

pub async fn the_address_list_hides_who_wants_to_be_hidden(server: &Server) {
    server
        .account(
            "carol@example.test",
            &["displayName=Carol Example", "title=Baker"],
        )
        .await;
    server
        .account(
            "spy@example.test",
            &["displayName=Carol Hidden", "zimbraHideInGal=TRUE"],
        )
        .await;
    let domain = DomainName::parse("example.test").unwrap();
    let domain = server.daemon.domain(&domain).await.unwrap().unwrap();
    let found = server.daemon.search_gal(&domain, "carol").await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].attributes.text("title"), Some("Baker"));
    assert!(found[0].attributes.get("zimbraMailHost").is_empty());
    assert_eq!(
        server.daemon.search_gal(&domain, "").await.unwrap().len(),
        3
    );
    assert!(
        server
            .daemon
            .search_gal(&domain, "*)(uid=*")
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn senders_are_the_account_s_own_or_granted(server: &Server) {
    server.domain("alias.test", Some("example.test")).await;
    let alice = address("alice@example.test");
    server
        .admin
        .create_alias(&alice, &address("al@example.test"))
        .await
        .unwrap();
    server
        .set(
            "alice@example.test",
            &["zimbraAllowFromAddress=me@elsewhere.test"],
        )
        .await;
    let account = server.daemon.account(&alice).await.unwrap().unwrap();
    let senders = server.daemon.allowed_senders(&account).await.unwrap();
    for own in [
        "alice@example.test",
        "alice+shop@example.test",
        "al@example.test",
        "al@alias.test",
        "me@elsewhere.test",
    ] {
        assert!(senders.allows(&address(own)), "{own}");
    }
    for foreign in [
        "bob@example.test",
        "alice@elsewhere.test",
        "me@example.test",
    ] {
        assert!(!senders.allows(&address(foreign)), "{foreign}");
    }
    let bob = address("bob@example.test");
    assert!(!server.daemon.may_send_as(&account, &bob).await.unwrap());
    let grant = format!("+zimbraACE={} usr sendAs", account.id);
    server.set("bob@example.test", &[&grant]).await;
    assert!(server.daemon.may_send_as(&account, &bob).await.unwrap());
}
