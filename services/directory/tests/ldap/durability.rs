//! What was acknowledged stays.

use crate::daemon::{ADMIN, ALICE, Directory};
use crate::wire::Raw;

#[test]
fn acknowledged_changes_outlive_a_sudden_end() {
    let mut directory = Directory::sample();
    let change = format!("dn: {ALICE}\nchangetype: modify\nreplace: title\ntitle: Queen\n");
    assert_eq!(directory.modify(&change, &[]).code, 0);
    assert_eq!(
        directory
            .admin("ldapmodrdn", &["-r", ALICE, "uid=alicia"])
            .code,
        0
    );
    let bob = "uid=bob,ou=people,dc=example,dc=test";
    assert_eq!(directory.admin("ldapdelete", &[bob]).code, 0);
    let before = directory.search("dc=test", "(objectClass=*)", &["*", "+"]);
    directory.cut_and_restart();
    let after = directory.search("dc=test", "(objectClass=*)", &["*", "+"]);
    assert_eq!(before, after);
    assert!(
        directory
            .search("dc=test", "(title=queen)", &["uid"])
            .contains("uid: alicia")
    );
    assert_eq!(directory.search("dc=test", "(uid=bob)", &["uid"]), "");
}

#[test]
fn a_stop_says_goodbye() {
    let mut directory = Directory::start();
    let mut raw = Raw::new(directory.connect());
    raw.bind(1, ADMIN, &directory.admin_password());
    assert!(directory.drain());
    let answer = raw.answer().unwrap();
    assert_eq!((answer.id, answer.code), (0, 52));
    assert_eq!(answer.name.as_deref(), Some("1.3.6.1.4.1.1466.20036"));
    assert_eq!(raw.answer(), None);
}
