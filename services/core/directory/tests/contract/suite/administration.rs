//! Creating, changing and deleting.

use roost_core_directory::admin::{AdminError, Edit, NewAccount, Thing, bootstrap};
use roost_core_directory::name::DomainName;
use roost_core_directory::seed::Plan;

use crate::server::{NODE, Server, address, staff};

fn edits(texts: &[&str]) -> Vec<Edit> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn unnamed(name: &str) -> NewAccount {
    NewAccount {
        address: address(name),
        password: None,
        cos: None,
        edits: vec![],
    }
}

pub async fn beginning_again_changes_nothing(server: &Server) {
    let mut plan = Plan {
        node: NODE,
        now: jiff::Timestamp::UNIX_EPOCH,
        staff: staff(),
    };
    for identity in &mut plan.staff {
        identity.password = "another password".to_owned().into();
    }
    bootstrap(server.admin.directory(), &plan).await.unwrap();
    server.daemon.forget();
    server.daemon.ping().await.unwrap();
    assert_eq!(server.admin.servers().await.unwrap().len(), 1);
    assert!(
        server
            .admin
            .get_account(&address("alice@example.test"))
            .await
            .is_ok()
    );
}

pub async fn a_name_is_taken_once(server: &Server) {
    let Server { admin, .. } = server;
    let alice = address("alice@example.test");
    admin
        .create_alias(&alice, &address("al@example.test"))
        .await
        .unwrap();
    admin
        .create_list(
            &address("all@example.test"),
            std::slice::from_ref(&alice),
            &[],
        )
        .await
        .unwrap();
    for taken in ["alice@example.test", "al@example.test", "ALL@example.test"] {
        let error = admin.create_account(&unnamed(taken)).await.unwrap_err();
        assert!(
            matches!(error, AdminError::Taken { .. }),
            "{taken}: {error}"
        );
        let error = admin
            .create_alias(&alice, &address(taken))
            .await
            .unwrap_err();
        assert!(
            matches!(error, AdminError::Taken { .. }),
            "{taken}: {error}"
        );
        let error = admin
            .create_list(&address(taken), &[], &[])
            .await
            .unwrap_err();
        assert!(
            matches!(error, AdminError::Taken { .. }),
            "{taken}: {error}"
        );
    }
    admin
        .delete_alias(&address("al@example.test"))
        .await
        .unwrap();
    admin
        .create_account(&unnamed("al@example.test"))
        .await
        .unwrap();
}

pub async fn names_that_settings_mention_must_exist(server: &Server) {
    let Server { admin, .. } = server;
    admin.create_cos("gold", &[]).await.unwrap();
    let id = admin.get_cos("gold").await.unwrap().id.to_string();
    let bob = address("bob@example.test");
    admin
        .modify_account(&bob, &edits(&["zimbraCOSId=gold"]))
        .await
        .unwrap();
    let entry = admin.get_account(&bob).await.unwrap().entry.clone();
    assert_eq!(entry.attributes.text("zimbraCOSId"), Some(id.as_str()));
    let new = NewAccount {
        edits: edits(&["zimbraCOSId=gold"]),
        ..unnamed("carol@example.test")
    };
    admin.create_account(&new).await.unwrap();
    let carol = admin.get_account(&new.address).await.unwrap();
    assert_eq!(carol.cos.as_ref().unwrap().name, "gold");

    // What is so already is no change, by name or by id; what is otherwise is one.
    for setting in [
        "zimbraCOSId=gold",
        &format!("zimbraCOSId={id}"),
        "-zimbraMailQuota",
    ] {
        let changes = admin.preview(&entry, &edits(&[setting])).await.unwrap();
        assert_eq!(changes, [], "{setting}");
    }
    let changes = admin.preview(&entry, &edits(&["zimbraMailQuota=7"])).await;
    let changes = changes.unwrap();
    assert_eq!(
        (changes.len(), changes[0].attribute.as_str()),
        (1, "zimbraMailQuota")
    );
    assert_eq!(
        (changes[0].before.len(), changes[0].after.as_slice()),
        (0, &[b"7".to_vec()][..])
    );

    let unknown = admin
        .modify_account(&bob, &edits(&["zimbraCOSId=glod"]))
        .await
        .unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "there is no class of service glod (did you mean gold?)"
    );
    let setting = "zimbraDefaultDomainName=exmaple.test";
    let unknown = admin.modify_config(&edits(&[setting])).await.unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "there is no domain exmaple.test (did you mean example.test?)"
    );
    for setting in [
        "zimbraDefaultDomainName=example.test",
        "zimbraDefaultDomainName=",
    ] {
        admin.modify_config(&edits(&[setting])).await.unwrap();
    }
}

pub async fn what_is_in_use_stays(server: &Server) {
    let Server { admin, .. } = server;
    let domain = DomainName::parse("example.test").unwrap();
    let error = admin.delete_domain(&domain).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "domain example.test still has 2 account(s) (delete or move them first)"
    );
    admin.create_cos("staff", &[]).await.unwrap();
    admin
        .assign_cos(&address("bob@example.test"), "staff")
        .await
        .unwrap();
    let error = admin.delete_cos("staff").await.unwrap_err();
    assert!(
        matches!(
            error,
            AdminError::InUse {
                thing: Thing::Cos,
                ..
            }
        ),
        "{error}"
    );
    let error = admin.delete_cos("default").await.unwrap_err();
    assert!(matches!(error, AdminError::Protected { .. }), "{error}");
    let error = admin.delete_server(NODE).await.unwrap_err();
    assert!(
        matches!(
            error,
            AdminError::InUse {
                thing: Thing::Server,
                ..
            }
        ),
        "{error}"
    );

    admin
        .modify_account(&address("bob@example.test"), &edits(&["-zimbraCOSId"]))
        .await
        .unwrap();
    admin.rename_cos("staff", "crew").await.unwrap();
    admin.delete_cos("crew").await.unwrap();
    server.domain("other.test", Some("example.test")).await;
    admin
        .delete_account(&address("alice@example.test"))
        .await
        .unwrap();
    admin
        .delete_account(&address("bob@example.test"))
        .await
        .unwrap();
    let error = admin.delete_domain(&domain).await.unwrap_err();
    assert!(
        matches!(
            error,
            AdminError::InUse {
                thing: Thing::Domain,
                ..
            }
        ),
        "{error}"
    );
    admin
        .delete_domain(&DomainName::parse("other.test").unwrap())
        .await
        .unwrap();
    admin.delete_domain(&domain).await.unwrap();
    assert!(admin.domains().await.unwrap().is_empty());
}

pub async fn mistakes_are_named_with_what_was_meant(server: &Server) {
    let Server { admin, .. } = server;
    let error = admin
        .get_account(&address("alcie@example.test"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no account alcie@example.test (did you mean alice@example.test?)"
    );
    let error = admin
        .create_account(&unnamed("carol@exmaple.test"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no domain exmaple.test (did you mean example.test?)"
    );
    let alice = address("alice@example.test");
    for (edit, expected) in [
        (
            "zimbraAccountStatus=asleep",
            "attribute zimbraAccountStatus: expected one of active",
        ),
        (
            "zimbraMailQuota=lots",
            "attribute zimbraMailQuota: expected a whole number from 0",
        ),
        ("+zimbraMailQuota=1", ""),
        (
            "zimbraDomainType=local",
            "no object class of the entry allows attribute zimbraDomainType",
        ),
        ("mail=x@example.test", "mail cannot be set by hand"),
    ] {
        let outcome = admin.modify_account(&alice, &edits(&[edit])).await;
        match outcome {
            Ok(()) => assert_eq!(expected, "", "{edit} was allowed"),
            Err(error) => assert!(error.to_string().starts_with(expected), "{edit}: {error}"),
        }
    }
}

pub async fn renaming_an_account_keeps_its_memberships(server: &Server) {
    let Server { admin, .. } = server;
    server.domain("second.test", None).await;
    let (old, new) = (address("alice@example.test"), address("alicia@second.test"));
    admin
        .create_alias(&old, &address("al@example.test"))
        .await
        .unwrap();
    admin
        .create_list(
            &address("all@example.test"),
            std::slice::from_ref(&old),
            &[],
        )
        .await
        .unwrap();
    let id = admin.get_account(&old).await.unwrap().id;
    admin.rename_account(&old, &new).await.unwrap();

    let renamed = admin.get_account(&new).await.unwrap();
    assert_eq!((renamed.id, &renamed.name), (id, &new));
    assert_eq!(
        admin
            .get_account(&address("al@example.test"))
            .await
            .unwrap()
            .id,
        id
    );
    assert!(admin.get_account(&old).await.is_err());
    let members: Vec<_> = admin
        .get_list(&address("all@example.test"))
        .await
        .unwrap()
        .members()
        .collect();
    assert_eq!(members, [new]);
}

pub async fn deleting_an_account_leaves_nothing_behind(server: &Server) {
    let Server { admin, .. } = server;
    let (alice, al) = (address("alice@example.test"), address("al@example.test"));
    admin.create_alias(&alice, &al).await.unwrap();
    let list = address("all@example.test");
    admin
        .create_list(&list, &[al.clone(), alice.clone()], &[])
        .await
        .unwrap();
    admin.delete_account(&alice).await.unwrap();
    assert_eq!(admin.get_list(&list).await.unwrap().members().count(), 0);
    assert!(admin.aliases(None).await.unwrap().is_empty());
    admin
        .create_account(&unnamed("al@example.test"))
        .await
        .unwrap();
    assert_eq!(admin.accounts(None).await.unwrap().len(), 2);
}

pub async fn a_domain_can_lie_below_another(server: &Server) {
    let Server { admin, .. } = server;
    server.domain("sub.example.test", None).await;
    server.account("alice@sub.example.test", &[]).await;
    let both = admin
        .accounts(Some(&DomainName::parse("example.test").unwrap()))
        .await
        .unwrap();
    assert_eq!(
        both.len(),
        2,
        "accounts of a domain are not those of the one below it"
    );
    let upper = DomainName::parse("example.test").unwrap();
    for name in ["alice@example.test", "bob@example.test"] {
        admin.delete_account(&address(name)).await.unwrap();
    }
    admin.delete_domain(&upper).await.unwrap();
    assert!(admin.get_domain(&upper).await.is_err());
    assert!(
        admin
            .get_account(&address("alice@sub.example.test"))
            .await
            .is_ok()
    );
    server.domain("example.test", None).await;
    assert!(admin.get_domain(&upper).await.is_ok());
}

pub async fn members_come_and_go(server: &Server) {
    let Server { admin, .. } = server;
    let list = address("all@example.test");
    admin
        .create_list(&list, &[address("alice@example.test")], &[])
        .await
        .unwrap();
    let outside = address("guest@elsewhere.test");
    admin
        .add_members(&list, &[address("bob@example.test"), outside.clone()])
        .await
        .unwrap();
    admin
        .remove_members(&list, &[address("alice@example.test")])
        .await
        .unwrap();
    let mut members: Vec<_> = admin.get_list(&list).await.unwrap().members().collect();
    // LDAP keeps no order.
    members.sort();
    assert_eq!(members, [outside, address("bob@example.test")]);
    admin
        .rename_list(&list, &address("everybody@example.test"))
        .await
        .unwrap();
    assert!(admin.get_list(&list).await.is_err());
    admin
        .delete_list(&address("everybody@example.test"))
        .await
        .unwrap();
    assert!(admin.lists(None).await.unwrap().is_empty());
}
