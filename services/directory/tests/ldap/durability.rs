//! What was acknowledged stays.

use crate::daemon::{ALICE, Directory};

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
