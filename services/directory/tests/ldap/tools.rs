//! Debian's ldap-utils, one by one.

use std::fs;

use crate::daemon::{ADMIN, ALICE, Directory};

#[test]
fn entries_are_added_found_changed_renamed_and_deleted() {
    let directory = Directory::sample();
    let found = directory.search("dc=test", "(uid=alice)", &["*", "+"]);
    for line in [
        "dn: uid=alice,ou=people,dc=example,dc=test",
        "uid: alice",
        "structuralObjectClass: inetOrgPerson",
        "entryDN: uid=alice,ou=people,dc=example,dc=test",
        "hasSubordinates: FALSE",
        "subschemaSubentry: cn=Subschema",
        "creatorsName: uid=zimbra,cn=admins,cn=zimbra",
    ] {
        assert!(found.lines().any(|own| own == line), "{line} in {found}");
    }
    assert!(found.contains("\nentryUUID: ") && found.contains("\nmodifyTimestamp: "));

    let change = format!(
        "dn: {ALICE}\nchangetype: modify\nreplace: displayName\ndisplayName: Al\n-\n\
         add: mail\nmail: second@example.test\n-\nincrement: zimbraMailQuota\nzimbraMailQuota: 24\n-\n\
         delete: zimbraMailAlias\nzimbraMailAlias: AL@example.test\n"
    );
    let said = directory.modify(
        &change,
        &["-e", "!postread=zimbraMailQuota", "-e", "preread=mail"],
    );
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("zimbraMailQuota: 1024"), "{said:?}");
    assert!(!said.out.contains("second@example.test"), "{said:?}");
    let found = directory.search(
        "dc=test",
        "(mail=SECOND@example.test)",
        &["zimbraMailAlias"],
    );
    assert_eq!(found.trim(), format!("dn: {ALICE}"));

    let said = directory.admin("ldapmodrdn", &["-r", ALICE, "uid=alicia"]);
    assert_eq!(said.code, 0, "{said:?}");
    let found = directory.search("dc=test", "(uid=alicia)", &["uid"]);
    assert_eq!(
        found.trim(),
        "dn: uid=alicia,ou=people,dc=example,dc=test\nuid: alicia"
    );
    assert_eq!(directory.search("dc=test", "(uid=alice)", &["uid"]), "");

    let said = directory.admin("ldapdelete", &["ou=people,dc=example,dc=test"]);
    assert_eq!(said.code, 66, "{said:?}");
    let said = directory.admin("ldapdelete", &["uid=alicia,ou=people,dc=example,dc=test"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(directory.search("dc=test", "(uid=alicia)", &["uid"]), "");
}

#[test]
fn a_subtree_moves_and_goes_as_a_whole() {
    let directory = Directory::sample();
    let said = directory.admin(
        "ldapmodrdn",
        &[
            "-r",
            "-s",
            "dc=other,dc=test",
            "dc=example,dc=test",
            "dc=moved",
        ],
    );
    assert_eq!(said.code, 0, "{said:?}");
    let found = directory.search(
        "dc=other,dc=test",
        "(mail=alice@example.test)",
        &["entryDN"],
    );
    let moved = "uid=alice,ou=people,dc=moved,dc=other,dc=test";
    assert_eq!(found.trim(), format!("dn: {moved}\nentryDN: {moved}"));
    let said = directory.as_user(moved, "alice-secret", "ldapwhoami", &[]);
    assert_eq!(said.out.trim(), format!("dn:{moved}"), "{said:?}");

    let into_itself = [
        "-s",
        "dc=moved,dc=other,dc=test",
        "dc=other,dc=test",
        "dc=other",
    ];
    let said = directory.admin("ldapmodrdn", &into_itself);
    assert_eq!(said.code, 53, "{said:?}");

    let said = directory.admin("ldapdelete", &["-r", "dc=other,dc=test"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        directory
            .search("dc=test", "(objectClass=*)", &["1.1"])
            .trim(),
        "dn: dc=test"
    );
}

#[test]
fn values_are_compared() {
    let directory = Directory::sample();
    for (assertion, code) in [
        ("cn:alice  LIDDELL", 6),
        ("telephoneNumber:+49301234567", 6),
        ("cn:somebody", 5),
        ("objectClass:person", 6),
        ("description:x", 16),
        ("noSuchAttribute:x", 17),
        ("zimbraMailQuota:x", 21),
    ] {
        let said = directory.admin("ldapcompare", &[ALICE, assertion]);
        assert_eq!(said.code, code, "{assertion}: {said:?}");
    }
}

#[test]
fn passwords_are_changed_and_made_up() {
    let directory = Directory::sample();
    let said = directory.admin("ldappasswd", &["-s", "tulip-garden", ALICE]);
    assert_eq!(said.code, 0, "{said:?}");
    let whoami = |password: &str| directory.as_user(ALICE, password, "ldapwhoami", &[]);
    assert_eq!(whoami("tulip-garden").out.trim(), format!("dn:{ALICE}"));
    assert_eq!(whoami("alice-secret").code, 49);

    let said = directory.admin("ldappasswd", &[ALICE]);
    let made_up = said
        .out
        .trim()
        .strip_prefix("New password: ")
        .unwrap()
        .to_owned();
    assert_eq!(whoami(&made_up).code, 0);

    let change = |old: &str, new: &str| {
        directory.as_user(ALICE, &made_up, "ldappasswd", &["-a", old, "-s", new])
    };
    assert_eq!(change("wrong", "rose-garden").code, 1);
    let said = change(&made_up, "abc");
    assert!(
        said.err.contains("at least 6 characters") || said.out.contains("at least 6"),
        "{said:?}"
    );
    assert_eq!(change(&made_up, "rose-garden").code, 0);
    assert_eq!(whoami("rose-garden").code, 0);
}

#[test]
fn tls_comes_by_itself_or_when_asked_for() {
    let directory = Directory::sample();
    let who = ["-x", "-D", ADMIN, "-w", &directory.admin_password()];
    let (clear, tls) = (directory.url(), format!("ldaps://{}", directory.ldaps));
    for place in [&["-H", &clear, "-ZZ"][..], &["-H", &tls], &["-H", &clear]] {
        let said = directory.run("ldapwhoami", &[&who, place].concat());
        assert_eq!(said.out.trim(), format!("dn:{ADMIN}"), "{said:?}");
    }
}

#[test]
fn root_signs_in_at_the_unix_socket_by_being_root() {
    let directory = Directory::start();
    let socket = directory.path("ldapi");
    let url = format!("ldapi://{}", socket.to_str().unwrap().replace('/', "%2F"));
    let said = directory.run("ldapwhoami", &["-Q", "-Y", "EXTERNAL", "-H", &url]);
    assert_eq!(said.out.trim(), format!("dn:{ADMIN}"), "{said:?}");
    // Over TCP nobody knows who a process is.
    let said = directory.run(
        "ldapwhoami",
        &["-Q", "-Y", "EXTERNAL", "-H", &directory.url()],
    );
    assert_ne!(said.code, 0, "{said:?}");
}

#[test]
fn an_entry_that_breaks_the_schema_is_refused_with_the_reason() {
    let directory = Directory::sample();
    let person = |lines: &str| {
        format!("dn: uid=eve,ou=people,dc=example,dc=test\nobjectClass: inetOrgPerson\n{lines}\n")
    };
    for (lines, code, word) in [
        ("cn: Eve", 65, "sn"),
        ("cn: Eve\nsn: E\nnoSuchAttribute: x", 17, "noSuchAttribute"),
        ("cn: Eve\nsn: E\nzimbraId: x", 21, "zimbraId"),
        ("cn: Eve\nsn: E\nzimbraMailQuota: 1", 65, "zimbraMailQuota"),
        (
            "cn: Eve\nsn: E\ndisplayName: 1\ndisplayName: 2",
            19,
            "displayName",
        ),
        (
            "cn: Eve\nsn: E\ndescription: a\ndescription: A",
            20,
            "description",
        ),
        (
            "cn: Eve\nsn: E\nobjectClass: noSuchClass",
            65,
            "noSuchClass",
        ),
        (
            "cn: Eve\nsn: E\nobjectClass: organization\no: x",
            65,
            "organization",
        ),
        (
            "cn: Eve\nsn: E\nentryUUID: 10000000-0000-4000-8000-000000000001",
            19,
            "entryUUID",
        ),
        ("cn: Eve\nsn: E\nmanager: nobody", 21, "manager"),
    ] {
        fs::write(directory.path("bad.ldif"), person(lines)).unwrap();
        let file = directory.path("bad.ldif");
        let said = directory.admin("ldapadd", &["-f", file.to_str().unwrap()]);
        assert_eq!(said.code, code, "{lines}: {said:?}");
        assert!(said.err.contains(word), "{lines}: {said:?}");
    }
    let change = |lines: &str| {
        directory
            .modify(&format!("dn: {ALICE}\nchangetype: modify\n{lines}\n"), &[])
            .code
    };
    assert_eq!(change("delete: uid\nuid: alice"), 67);
    assert_eq!(change("delete: sn"), 65);
    assert_eq!(change("delete: description"), 16);
    assert_eq!(change("add: mail\nmail: ALICE@example.test"), 20);
    assert_eq!(
        change("replace: objectClass\nobjectClass: organizationalRole"),
        65
    );
    assert_eq!(change("increment: cn\ncn: 1"), 19);
    assert_eq!(change("replace: entryDN\nentryDN: x"), 19);
    // Nothing of a refused change is kept.
    assert_eq!(change("replace: title\ntitle: Queen\n-\ndelete: sn"), 65);
    assert!(
        !directory
            .search("dc=test", "(uid=alice)", &[])
            .contains("Queen")
    );
}

#[test]
fn names_that_exist_or_do_not() {
    let directory = Directory::sample();
    fs::write(
        directory.path("again.ldif"),
        "dn: DC=Test\nobjectClass: organization\nobjectClass: dcObject\no: x\n",
    )
    .unwrap();
    let file = directory.path("again.ldif");
    let said = directory.admin("ldapadd", &["-f", file.to_str().unwrap()]);
    assert_eq!(said.code, 68, "{said:?}");
    let said = directory.admin(
        "ldapsearch",
        &["-LLL", "-b", "cn=a,cn=b,dc=example,dc=test"],
    );
    assert_eq!(said.code, 32, "{said:?}");
    assert!(
        said.err.contains("Matched DN: dc=example,dc=test"),
        "{said:?}"
    );
    let said = directory.admin("ldapsearch", &["-LLL", "-b", "nonsense"]);
    assert_eq!(said.code, 34, "{said:?}");
    let said = directory.admin("ldapdelete", &["cn=Subschema"]);
    assert_eq!(said.code, 53, "{said:?}");
}
