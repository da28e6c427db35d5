//! Who sees and changes what.

use crate::daemon::{ALICE, BOB, Directory, STORE};

const DAVE: &str = "uid=dave,ou=people,dc=other,dc=test";

/// Everything that somebody finds.
fn everything(directory: &Directory, dn: &str, password: &str) -> String {
    let arguments = [
        "-LLL",
        "-o",
        "ldif-wrap=no",
        "-b",
        "",
        "(objectClass=*)",
        "*",
        "+",
    ];
    let said = directory.as_user(dn, password, "ldapsearch", &arguments);
    assert_eq!(said.code, 0, "{said:?}");
    said.out
}

fn has(ldif: &str, line: &str) -> bool {
    ldif.lines().any(|own| own == line)
}

#[test]
fn nobody_sees_more_than_root_dse_and_schema() {
    let directory = Directory::sample();
    let url = directory.url();
    let anonymous = |base: &str, scope: &str| {
        directory
            .run(
                "ldapsearch",
                &["-x", "-LLL", "-H", &url, "-s", scope, "-b", base],
            )
            .code
    };
    assert_eq!(anonymous("", "base"), 0);
    assert_eq!(anonymous("cn=Subschema", "base"), 0);
    for base in ["", "dc=test", "cn=zimbra", ALICE] {
        assert_eq!(anonymous(base, "sub"), 50, "{base}");
    }
    let said = directory.run("ldapcompare", &["-x", "-H", &url, ALICE, "uid:alice"]);
    assert_eq!(said.code, 32, "{said:?}");
    let said = directory.run("ldapdelete", &["-x", "-H", &url, ALICE]);
    assert_eq!(said.code, 50, "{said:?}");
}

#[test]
fn a_user_sees_its_own_entry_and_the_address_book() {
    let directory = Directory::sample();
    let seen = everything(&directory, ALICE, "alice-secret");
    assert!(
        has(&seen, "zimbraMailQuota: 1000"),
        "its own settings: {seen}"
    );
    assert!(
        has(&seen, "mail: bob@example.test"),
        "its neighbours' addresses"
    );
    for hidden in [
        "zimbraMailQuota: 2000",
        "mail: carol@example.test",
        "mail: dave@other.test",
    ] {
        assert!(!has(&seen, hidden), "{hidden}");
    }
    assert!(
        !seen.contains("cn=zimbra\nobjectClass") && !seen.contains("dn: dc=other"),
        "{seen}"
    );
    for secret in ["userPassword", "authPassword"] {
        assert!(!seen.contains(secret), "{secret}");
    }
    // What cannot be read cannot be searched for, nor guessed by an error.
    let find = |filter: &str| {
        let arguments = ["-LLL", "-b", "dc=example,dc=test", filter, "1.1"];
        directory
            .as_user(ALICE, "alice-secret", "ldapsearch", &arguments)
            .out
    };
    assert_eq!(find("(zimbraMailQuota=2000)"), "");
    assert_eq!(find("(!(zimbraMailQuota=2000))").matches("dn: ").count(), 1);
    assert_eq!(find("(userPassword=*)"), "");
    assert_eq!(find("(mail=carol@example.test)"), "");
    for nobody in [
        "uid=carol,ou=people,dc=example,dc=test",
        "uid=nobody,ou=people,dc=example,dc=test",
    ] {
        let arguments = ["-LLL", "-s", "base", "-b", nobody];
        let said = directory.as_user(ALICE, "alice-secret", "ldapsearch", &arguments);
        assert_eq!(said.code, 32, "{said:?}");
        assert!(
            said.err
                .contains("Matched DN: ou=people,dc=example,dc=test"),
            "{said:?}"
        );
    }
}

#[test]
fn a_user_changes_preferences_and_its_password_only() {
    let directory = Directory::sample();
    let change = |dn: &str, lines: &str| {
        let file = directory.path("own.ldif");
        std::fs::write(&file, format!("dn: {dn}\nchangetype: modify\n{lines}\n")).unwrap();
        let arguments = ["-f", file.to_str().unwrap()];
        directory
            .as_user(ALICE, "alice-secret", "ldapmodify", &arguments)
            .code
    };
    assert_eq!(
        change(ALICE, "replace: zimbraPrefLocale\nzimbraPrefLocale: de"),
        0
    );
    assert_eq!(
        change(ALICE, "replace: zimbraMailQuota\nzimbraMailQuota: 0"),
        50
    );
    assert_eq!(
        change(
            ALICE,
            "replace: zimbraIsAdminAccount\nzimbraIsAdminAccount: TRUE"
        ),
        50
    );
    assert_eq!(
        change(BOB, "replace: zimbraPrefLocale\nzimbraPrefLocale: de"),
        50
    );
    assert_eq!(
        change(ALICE, "replace: userPassword\nuserPassword: abc"),
        19
    );
    assert_eq!(
        change(
            ALICE,
            "replace: userPassword\nuserPassword: {SSHA}pggIHGl+PcllAGxF84PzT2J4C2J9msw1"
        ),
        19
    );
    assert_eq!(change(ALICE, "replace: authPassword\nauthPassword: x"), 19);
    let tree = directory.as_user(ALICE, "alice-secret", "ldapdelete", &[ALICE]);
    assert_eq!(tree.code, 50, "{tree:?}");
    // Old and new value, as many clients do it.
    let lines = "delete: userPassword\nuserPassword: alice-secret\n-\nadd: userPassword\nuserPassword: tulip-garden";
    assert_eq!(change(ALICE, lines), 0);
    assert_eq!(
        directory
            .as_user(ALICE, "tulip-garden", "ldapwhoami", &[])
            .code,
        0
    );
    assert_eq!(
        directory
            .as_user(ALICE, "alice-secret", "ldapwhoami", &[])
            .code,
        49
    );
}

#[test]
fn a_daemon_reads_all_but_passwords_and_writes_nothing() {
    let directory = Directory::sample();
    let password = directory.secret("roost-store");
    let seen = everything(&directory, STORE, &password);
    assert!(has(&seen, "zimbraMailQuota: 2000") && has(&seen, "mail: carol@example.test"));
    assert!(!seen.contains("userPassword") && !seen.contains("authPassword"));
    let file = directory.path("daemon.ldif");
    std::fs::write(
        &file,
        format!("dn: {BOB}\nchangetype: modify\nreplace: cn\ncn: x\n"),
    )
    .unwrap();
    let said = directory.as_user(
        STORE,
        &password,
        "ldapmodify",
        &["-f", file.to_str().unwrap()],
    );
    assert_eq!(said.code, 50, "{said:?}");
}

#[test]
fn an_administrator_changes_all_but_sees_no_hash() {
    let directory = Directory::sample();
    let seen = everything(&directory, DAVE, "dave-secret");
    assert!(has(&seen, "mail: carol@example.test"));
    assert!(!seen.contains("userPassword") && !seen.contains("authPassword"));
    let said = directory.as_user(
        DAVE,
        "dave-secret",
        "ldappasswd",
        &["-s", "rose-garden", BOB],
    );
    assert_eq!(said.code, 0, "{said:?}");
    let said = directory.as_user(DAVE, "dave-secret", "ldapdelete", &[DAVE]);
    assert_eq!(said.code, 53, "{said:?}");
    // The directory's own administrator can move hashes elsewhere, SCRAM keys nobody.
    let seen = directory.search(
        "dc=test",
        "(userPassword=*)",
        &["userPassword", "authPassword"],
    );
    assert!(
        seen.contains("userPassword::") && !seen.contains("authPassword"),
        "{seen}"
    );
}
