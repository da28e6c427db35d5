//! Who may do what.

use ldap3::{Ldap, Mod, Scope, SearchEntry};
use roost_core_directory::client::{Bind, Directory, Settings, Unencrypted};
use roost_core_directory::dn;
use roost_kit::clock::Clock;

use crate::server::{DAEMON_PASSWORD, Server, address, certify, password_of};

async fn read(ldap: &mut Ldap, dn: &str) -> Option<SearchEntry> {
    let search = ldap
        .search(dn, Scope::Base, "(objectClass=*)", vec!["*"])
        .await
        .unwrap();
    search.0.into_iter().next().map(SearchEntry::construct)
}

async fn replace(ldap: &mut Ldap, dn: &str, name: &str, value: &str) -> bool {
    let change = Mod::Replace(name.to_owned(), [value.to_owned()].into());
    ldap.modify(dn, vec![change]).await.unwrap().rc == 0
}

fn has(entry: &SearchEntry, name: &str) -> bool {
    entry.attrs.contains_key(name) || entry.bin_attrs.contains_key(name)
}

pub async fn daemons_read_but_neither_write_nor_see_passwords(server: &Server) {
    let alice = dn::person(&address("alice@example.test"));
    let mut ldap = server
        .raw(&dn::service_account("roost-mta"), DAEMON_PASSWORD)
        .await;
    let entry = read(&mut ldap, &alice).await.unwrap();
    assert!(has(&entry, "zimbraMailHost"));
    assert!(!has(&entry, "userPassword") && !has(&entry, "authPassword"));
    let found = ldap
        .search("", Scope::Subtree, "(userPassword=*)", vec!["1.1"])
        .await
        .unwrap();
    assert!(found.0.is_empty(), "passwords cannot be searched for");
    assert!(!replace(&mut ldap, &alice, "zimbraNotes", "hello").await);
    assert!(!replace(&mut ldap, &alice, "userPassword", "hello").await);
    assert_ne!(ldap.delete(&alice).await.unwrap().rc, 0);
}

pub async fn users_see_themselves_and_change_their_preferences(server: &Server) {
    server
        .account("carol@example.test", &["zimbraHideInGal=TRUE"])
        .await;
    server.domain("other.test", None).await;
    server.account("dora@other.test", &[]).await;
    let person = |name: &str| dn::person(&address(name));
    let alice = person("alice@example.test");
    let password = password_of("alice@example.test");
    let mut ldap = server.raw(&alice, password.expose()).await;
    let own = read(&mut ldap, &alice).await.unwrap();
    assert!(has(&own, "zimbraId") && has(&own, "zimbraMailHost"));
    assert!(!has(&own, "userPassword") && !has(&own, "authPassword"));
    assert!(replace(&mut ldap, &alice, "zimbraPrefLocale", "de").await);
    for (name, value) in [
        ("zimbraIsAdminAccount", "TRUE"),
        ("zimbraMailQuota", "0"),
        ("zimbraAccountStatus", "active"),
        ("zimbraMailDeliveryAddress", "root@example.test"),
    ] {
        assert!(!replace(&mut ldap, &alice, name, value).await, "{name}");
    }
    let bob = read(&mut ldap, &person("bob@example.test")).await.unwrap();
    assert!(has(&bob, "mail") && !has(&bob, "zimbraMailHost") && !has(&bob, "zimbraPrefLocale"));
    assert!(
        !replace(
            &mut ldap,
            &person("bob@example.test"),
            "zimbraPrefLocale",
            "de"
        )
        .await
    );
    assert!(
        read(&mut ldap, &person("carol@example.test"))
            .await
            .is_none(),
        "carol is hidden"
    );
    assert!(
        read(&mut ldap, &person("dora@other.test")).await.is_none(),
        "another domain's"
    );
    assert!(read(&mut ldap, dn::CONFIG).await.is_none());
    let domain = "dc=example,dc=test";
    let found = ldap
        .search(domain, Scope::Subtree, "(mail=bob@*)", vec!["mail"])
        .await
        .unwrap();
    assert_eq!(
        found.0.len(),
        1,
        "the address list of the own domain can be searched"
    );
}

pub async fn strangers_see_nothing(server: &Server) {
    let (connection, mut ldap) = ldap3::LdapConnAsync::new(&server.url).await.unwrap();
    ldap3::drive!(connection);
    assert!(
        read(&mut ldap, "").await.is_some(),
        "the root DSE is for everybody"
    );
    let alice = dn::person(&address("alice@example.test"));
    for dn in [&alice, "dc=example,dc=test", dn::CONFIG] {
        assert!(read(&mut ldap, dn).await.is_none(), "{dn}");
    }
    let found = ldap
        .search("", Scope::Subtree, "(uid=*)", vec!["1.1"])
        .await
        .unwrap();
    assert!(found.0.is_empty());
    assert!(!replace(&mut ldap, &alice, "zimbraNotes", "hello").await);
}

pub async fn connections_can_be_encrypted(server: &Server) {
    let dn = dn::service_account("roost-mta");
    let alice = address("alice@example.test");
    let connect = |url: &str, ca: &std::path::Path| {
        let password = DAEMON_PASSWORD.to_owned().into();
        let mut settings = Settings::new(
            url,
            Bind::Simple {
                dn: dn.clone(),
                password,
            },
        );
        settings.ca = Some(ca.to_owned());
        settings.unencrypted = Unencrypted::Nothing;
        Directory::new(settings, Clock::system()).unwrap()
    };
    let stranger = tempfile::tempdir().unwrap();
    certify(stranger.path());
    for url in [&server.ldaps, &server.url] {
        let directory = connect(url, &server.ca);
        assert!(directory.account(&alice).await.unwrap().is_some(), "{url}");
        let misled = connect(url, &stranger.path().join("cert.pem"));
        assert!(
            misled.account(&alice).await.is_err(),
            "{url}: the server proved nothing"
        );
    }
}
