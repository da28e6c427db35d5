//! Searches: scopes, filters, limits, pages, order, and what is shown.

use crate::daemon::{ALICE, Directory};

/// The uids that a filter finds, in order.
#[track_caller]
fn uids(directory: &Directory, filter: &str) -> Vec<String> {
    let found = directory.search("dc=test", filter, &["uid"]);
    let mut uids: Vec<String> = found
        .lines()
        .filter_map(|line| line.strip_prefix("uid: "))
        .map(str::to_owned)
        .collect();
    uids.sort();
    uids
}

#[test]
fn filters_find_what_they_say() {
    let directory = Directory::sample();
    for (filter, expected) in [
        ("(uid=ALICE)", &["alice"][..]),
        ("(mail=*@example.test)", &["alice", "all", "bob", "carol"]),
        ("(mail=al*)", &["alice", "all"]),
        ("(mail=*li*test)", &["alice"]),
        (
            "(&(objectClass=zimbraAccount)(!(mail=*@example.test)))",
            &["dave"],
        ),
        ("(|(uid=alice)(sn=baker)(cn=nobody))", &["alice", "bob"]),
        ("(zimbraMailQuota>=1500)", &["bob"]),
        ("(zimbraMailQuota<=1500)", &["alice"]),
        ("(cn~=alice lid)", &["alice"]),
        ("(objectClass=person)", &["alice", "bob", "carol", "dave"]),
        ("(zimbraHideInGal=TRUE)", &["carol"]),
        (
            "(!(zimbraHideInGal=TRUE))",
            &["alice", "all", "bob", "dave"],
        ),
        ("(dc:dn:=other)", &["dave"]),
        ("(cn:caseExactMatch:=Alice Liddell)", &["alice"]),
        ("(cn:caseExactMatch:=alice liddell)", &[]),
        ("(:caseIgnoreMatch:=baker)", &["bob"]),
        ("(entryDN=uid=bob,OU=people,dc=example,dc=test)", &["bob"]),
        (
            "(zimbraId=10000000-0000-4000-8000-000000000003)",
            &["carol"],
        ),
        ("(zimbraMailForwardingAddress=BOB@example.test)", &["all"]),
        ("(noSuchAttribute=x)", &[]),
        ("(!(noSuchAttribute=x))", &[]),
        ("(&)", &["alice", "all", "bob", "carol", "dave"]),
        ("(|)", &[]),
        ("(telephoneNumber=+49301234567)", &["alice"]),
        ("(name=carpenter)", &["carol"]),
    ] {
        assert_eq!(uids(&directory, filter), expected, "{filter}");
    }
}

#[test]
fn scopes_reach_as_far_as_they_say() {
    let directory = Directory::sample();
    for (scope, expected) in [("base", 1), ("one", 4), ("sub", 6), ("children", 5)] {
        let base = if scope == "one" {
            "ou=people,dc=example,dc=test"
        } else {
            "dc=example,dc=test"
        };
        let arguments = [
            "-LLL",
            "-s",
            scope,
            "-b",
            base,
            "(|(objectClass=zimbraMailRecipient)(objectClass=*))",
            "1.1",
        ];
        let said = directory.admin("ldapsearch", &arguments);
        assert_eq!(
            said.out.matches("dn: ").count(),
            expected,
            "{scope}: {said:?}"
        );
    }
    // The root is above everything.
    let said = directory.admin("ldapsearch", &["-LLL", "-b", "", "(uid=alice)", "1.1"]);
    assert_eq!(said.out.trim(), format!("dn: {ALICE}"));
}

#[test]
fn attributes_are_selected() {
    let directory = Directory::sample();
    let names = |attributes: &[&str]| {
        let found = directory.search("dc=test", "(uid=alice)", attributes);
        let mut names: Vec<String> = found
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, _)| name.to_owned())
            .filter(|name| name != "dn")
            .collect();
        names.dedup();
        names
    };
    assert_eq!(names(&["1.1"]), Vec::<String>::new());
    assert_eq!(names(&["CN", "noSuch"]), ["cn"]);
    assert_eq!(names(&["name"]), ["cn", "sn", "givenName"]);
    assert!(!names(&["*"]).contains(&"entryUUID".to_owned()));
    assert!(!names(&["+"]).contains(&"cn".to_owned()));
    assert_eq!(
        names(&["@person"]).first().map(String::as_str),
        Some("objectClass")
    );
    assert_eq!(
        names(&["entryUUID", "hasSubordinates"]),
        ["entryUUID", "hasSubordinates"]
    );
    let arguments = ["-LLL", "-A", "-b", ALICE, "-s", "base", "cn", "sn"];
    let said = directory.admin("ldapsearch", &arguments);
    assert_eq!(said.out.trim(), format!("dn: {ALICE}\ncn:\nsn:"));
}

#[test]
fn limits_cut_and_say_so() {
    let directory = Directory::sample();
    let said = directory.admin("ldapsearch", &["-LLL", "-z", "2", "-b", "dc=test", "1.1"]);
    assert_eq!(
        (said.code, said.out.matches("dn: ").count()),
        (4, 2),
        "{said:?}"
    );
}

#[test]
fn pages_hold_everything_once() {
    let directory = Directory::start();
    let mut ldif =
        String::from("dn: dc=test\nobjectClass: organization\nobjectClass: dcObject\no: x\n\n");
    for number in 0..300 {
        ldif.push_str(&format!(
            "dn: uid=u{number},dc=test\nobjectClass: inetOrgPerson\ncn: {}\nsn: s{}\n\n",
            999 - number,
            number % 7
        ));
    }
    directory.load(&ldif);
    for filter in [
        "(sn=*)",
        "(objectClass=inetOrgPerson)",
        "(|(sn=s1)(sn=s2)(cn=9*))",
        "(sn=s1)",
    ] {
        let all = directory.search("dc=test", filter, &["1.1"]);
        for size in ["1", "7", "300", "1000"] {
            let page = format!("pr={size}/noprompt");
            let arguments = ["-LLL", "-E", &page, "-b", "dc=test", filter, "1.1"];
            let said = directory.admin("ldapsearch", &arguments);
            let mut paged: Vec<&str> = said
                .out
                .lines()
                .filter(|line| line.starts_with("dn: "))
                .collect();
            let mut whole: Vec<&str> = all
                .lines()
                .filter(|line| line.starts_with("dn: "))
                .collect();
            paged.sort_unstable();
            whole.sort_unstable();
            assert_eq!(paged, whole, "{filter} by {size}");
        }
    }
    // In order, and in pages too.
    for page in ["pr=7/noprompt", "!pr=1000/noprompt"] {
        let arguments = [
            "-LLL",
            "-E",
            page,
            "-E",
            "!sss=-sn/cn",
            "-b",
            "dc=test",
            "(sn=*)",
            "sn",
            "cn",
        ];
        let said = directory.admin("ldapsearch", &arguments);
        let values = |name: &str| -> Vec<String> {
            said.out
                .lines()
                .filter_map(|line| line.strip_prefix(name))
                .map(str::to_owned)
                .collect()
        };
        let pairs: Vec<(String, String)> = values("sn: ").into_iter().zip(values("cn: ")).collect();
        assert_eq!(pairs.len(), 300, "{said:?}");
        let ordered = |pair: &[(String, String)]| {
            pair[0].0 > pair[1].0 || (pair[0].0 == pair[1].0 && pair[0].1 <= pair[1].1)
        };
        assert!(pairs.windows(2).all(ordered));
    }
}

#[test]
fn the_server_describes_itself() {
    let directory = Directory::start();
    let url = directory.url();
    let said = directory.run(
        "ldapsearch",
        &["-x", "-LLL", "-H", &url, "-s", "base", "-b", "", "*", "+"],
    );
    for line in [
        "namingContexts: cn=zimbra",
        "supportedLDAPVersion: 3",
        "supportedControl: 1.2.840.113556.1.4.319",
        "supportedExtension: 1.3.6.1.4.1.1466.20037",
        "supportedExtension: 1.3.6.1.4.1.32473.1.6.1",
        "supportedSASLMechanisms: PLAIN",
        "subschemaSubentry: cn=Subschema",
    ] {
        assert!(
            said.out.lines().any(|own| own == line),
            "{line} in {}",
            said.out
        );
    }
    let arguments = [
        "-x",
        "-LLL",
        "-o",
        "ldif-wrap=no",
        "-H",
        &url,
        "-s",
        "base",
        "-b",
        "cn=Subschema",
        "+",
    ];
    let said = directory.run("ldapsearch", &arguments);
    for part in [
        "NAME 'zimbraAccount'",
        "NAME ( 'cn' 'commonName' ) SUP name",
        "caseIgnoreMatch",
    ] {
        assert!(said.out.contains(part), "{part}");
    }
}
