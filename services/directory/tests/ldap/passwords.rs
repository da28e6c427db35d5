//! Sign-in: imported hashes, SCRAM, status, policy and lockout.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost_proto_sasl::scram::Keys;
use roost_proto_sasl::{Parameters, Password};
use serde_json::{Value, json};

use crate::daemon::{ADMIN, ALICE, BOB, Directory, STORE};
use crate::wire::{Raw, extended};

const SCRAM_PARAMETERS: &str = "1.3.6.1.4.1.32473.1.6.1";
const SCRAM_VERIFY: &str = "1.3.6.1.4.1.32473.1.6.2";

fn whoami(directory: &Directory, dn: &str, password: &str) -> i32 {
    directory.as_user(dn, password, "ldapwhoami", &[]).code
}

fn stored(directory: &Directory, uid: &str) -> String {
    let found = directory.search("dc=test", &format!("(uid={uid})"), &["userPassword"]);
    let value = found.split("userPassword:: ").nth(1).unwrap().trim();
    String::from_utf8(STANDARD.decode(value).unwrap()).unwrap()
}

/// One of the two SCRAM operations: result code and answer.
fn ask(raw: &mut Raw, oid: &str, request: &Value) -> (i64, Value) {
    raw.send(&extended(9, oid, Some(request.to_string().as_bytes())));
    let answer = raw.answer().unwrap();
    let value = answer
        .value
        .map_or(Value::Null, |value| serde_json::from_slice(&value).unwrap());
    (answer.code, value)
}

fn as_store(directory: &Directory) -> Raw {
    let mut raw = Raw::new(directory.connect());
    raw.bind(1, STORE, &directory.secret("roost-store"));
    raw
}

#[test]
fn an_imported_hash_works_and_becomes_argon2() {
    let directory = Directory::sample();
    assert!(stored(&directory, "bob").starts_with("{SSHA}"));
    assert_eq!(whoami(&directory, BOB, "Secret"), 49);
    assert!(stored(&directory, "bob").starts_with("{SSHA}"));
    assert_eq!(whoami(&directory, BOB, "secret"), 0);
    assert!(stored(&directory, "bob").starts_with("{ARGON2}$argon2id$"));
    assert_eq!(whoami(&directory, BOB, "secret"), 0);
    assert_eq!(whoami(&directory, BOB, "Secret"), 49);
}

#[test]
fn scram_is_verified_without_showing_a_key() {
    let directory = Directory::sample();
    let mut raw = as_store(&directory);
    let (code, alice) = ask(
        &mut raw,
        SCRAM_PARAMETERS,
        &json!({"name": "alice@example.test"}),
    );
    assert_eq!((code, alice["dn"].as_str()), (0, Some(ALICE)));
    let (_, alias) = ask(
        &mut raw,
        SCRAM_PARAMETERS,
        &json!({"name": "AL@example.test"}),
    );
    assert_eq!(alias["salt"], alice["salt"]);

    // A client's proof, made as a client makes it.
    let salt = STANDARD.decode(alice["salt"].as_str().unwrap()).unwrap();
    let iterations = u32::try_from(alice["iterations"].as_u64().unwrap()).unwrap();
    let prove = |password: &str| {
        let parameters = Parameters::new(salt.clone(), iterations).unwrap();
        proof(password, &parameters, b"the message")
    };
    let verify = |raw: &mut Raw, proof: &[u8]| {
        let request = json!({
            "name": "alice@example.test",
            "authMessage": STANDARD.encode(b"the message"),
            "clientProof": STANDARD.encode(proof),
        });
        ask(raw, SCRAM_VERIFY, &request)
    };
    let (code, answer) = verify(&mut raw, &prove("alice-secret"));
    assert_eq!((code, answer["dn"].as_str()), (0, Some(ALICE)));
    let parameters = Parameters::new(salt.clone(), iterations).unwrap();
    let keys = Keys::derive(&Password::new("alice-secret"), parameters);
    let own = keys.verify(b"the message", &prove("alice-secret")).unwrap();
    assert_eq!(answer["serverSignature"], STANDARD.encode(own.0));
    assert_eq!(verify(&mut raw, &prove("wrong")).0, 49);
    assert_eq!(verify(&mut raw, b"short").0, 49);

    // A closed account proves nothing.
    close(&directory);
    assert_eq!(verify(&mut raw, &prove("alice-secret")).0, 49);
}

fn close(directory: &Directory) {
    let lines = format!(
        "dn: {ALICE}\nchangetype: modify\nreplace: zimbraAccountStatus\nzimbraAccountStatus: closed\n"
    );
    assert_eq!(directory.modify(&lines, &[]).code, 0);
}

/// RFC 5802 §3.
fn proof(password: &str, parameters: &Parameters, message: &[u8]) -> Vec<u8> {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::{Digest, Sha256};
    let mac = |key: &[u8], message: &[u8]| {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
        mac.update(message);
        mac.finalize().into_bytes().to_vec()
    };
    let mut salted = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(
        password.as_bytes(),
        parameters.salt(),
        parameters.iterations(),
        &mut salted,
    );
    let client = mac(&salted, b"Client Key");
    let signature = mac(&Sha256::digest(&client), message);
    client
        .iter()
        .zip(signature)
        .map(|(one, other)| one ^ other)
        .collect()
}

#[test]
fn scram_does_not_tell_who_exists_and_is_for_daemons_only() {
    let directory = Directory::sample();
    let mut raw = as_store(&directory);
    let mut salt = |name: &str| {
        let (code, answer) = ask(&mut raw, SCRAM_PARAMETERS, &json!({"name": name}));
        assert_eq!(
            (code, answer["iterations"].as_u64()),
            (0, Some(10_000)),
            "{name}"
        );
        STANDARD.decode(answer["salt"].as_str().unwrap()).unwrap()
    };
    // Bob's hash came from elsewhere, so there are no keys yet; nobody does not exist at all.
    let (bob, nobody) = (salt("bob@example.test"), salt("nobody@example.test"));
    assert_eq!(
        (bob.len(), nobody.len(), salt("alice@example.test").len()),
        (16, 16, 16)
    );
    assert_eq!(nobody, salt("NOBODY@example.test"));
    assert_ne!(bob, nobody);
    assert_eq!(whoami(&directory, BOB, "secret"), 0);
    assert_ne!(bob, salt("bob@example.test"));
    assert_eq!(ask(&mut raw, SCRAM_PARAMETERS, &json!({"nom": "x"})).0, 2);

    let mut user = Raw::new(directory.connect());
    assert_eq!(
        ask(
            &mut user,
            SCRAM_PARAMETERS,
            &json!({"name": "alice@example.test"})
        )
        .0,
        50
    );
    user.bind(2, ALICE, "alice-secret");
    assert_eq!(
        ask(
            &mut user,
            SCRAM_PARAMETERS,
            &json!({"name": "alice@example.test"})
        )
        .0,
        50
    );
}

#[test]
fn only_active_accounts_of_open_domains_sign_in() {
    let directory = Directory::sample();
    let set = |dn: &str, name: &str, value: &str| {
        let lines = format!("dn: {dn}\nchangetype: modify\nreplace: {name}\n{name}: {value}\n");
        assert_eq!(directory.modify(&lines, &[]).code, 0, "{name}: {value}");
    };
    for (status, code) in [
        ("locked", 49),
        ("maintenance", 49),
        ("pending", 49),
        ("closed", 49),
        ("active", 0),
    ] {
        set(ALICE, "zimbraAccountStatus", status);
        assert_eq!(whoami(&directory, ALICE, "alice-secret"), code, "{status}");
    }
    set("dc=example,dc=test", "zimbraDomainStatus", "suspended");
    assert_eq!(whoami(&directory, ALICE, "alice-secret"), 49);
}

#[test]
fn failed_logins_lock_an_account_where_the_class_of_service_says_so() {
    let directory = Directory::sample();
    let lines = "dn: cn=default,cn=cos,cn=zimbra\nchangetype: modify\n\
        add: zimbraPasswordLockoutEnabled\nzimbraPasswordLockoutEnabled: TRUE\n-\n\
        add: zimbraPasswordLockoutMaxFailures\nzimbraPasswordLockoutMaxFailures: 2\n-\n\
        add: zimbraPasswordMinNumericChars\nzimbraPasswordMinNumericChars: 1\n-\n\
        add: zimbraPasswordEnforceHistory\nzimbraPasswordEnforceHistory: 2\n";
    assert_eq!(directory.modify(lines, &[]).code, 0);
    let change = |from: &str, to: &str| {
        directory
            .as_user(ALICE, from, "ldappasswd", &["-s", to])
            .code
    };
    assert_eq!(change("alice-secret", "no-digits"), 1);
    assert_eq!(change("alice-secret", "tulip-1"), 0);
    assert_eq!(change("tulip-1", "tulip-2"), 0);
    assert_eq!(change("tulip-2", "tulip-1"), 1);
    assert_eq!(whoami(&directory, ALICE, "wrong"), 49);
    assert_eq!(whoami(&directory, ALICE, "tulip-2"), 0);
    assert_eq!(whoami(&directory, ALICE, "wrong"), 49);
    assert_eq!(whoami(&directory, ALICE, "wrong"), 49);
    assert_eq!(whoami(&directory, ALICE, "tulip-2"), 49);
    let found = directory.search("dc=test", "(uid=alice)", &["zimbraAccountStatus"]);
    assert!(found.contains("zimbraAccountStatus: lockout"), "{found}");
}

#[test]
fn a_new_secret_file_is_a_new_password() {
    let mut directory = Directory::start();
    let file = directory.path("secrets/roost-store");
    std::fs::write(&file, "another-secret\n").unwrap();
    directory.cut_and_restart();
    assert_eq!(whoami(&directory, STORE, "another-secret"), 0);
    assert_eq!(whoami(&directory, ADMIN, &directory.admin_password()), 0);
}

#[test]
fn a_password_has_a_size() {
    let directory = Directory::sample();
    let most = "x".repeat(roost_directory::limits::PASSWORD_SIZE_MAX);
    let set = |password: &str| directory.admin("ldappasswd", &["-s", password, ALICE]).code;
    let lines = format!(
        "dn: {ALICE}\nchangetype: modify\nadd: zimbraPasswordMaxLength\nzimbraPasswordMaxLength: 0\n"
    );
    assert_eq!(directory.modify(&lines, &[]).code, 0);
    assert_eq!(set(&most), 0);
    assert_eq!(whoami(&directory, ALICE, &most), 0);
    let more = format!("{most}x");
    assert_eq!(set(&more), 1);
    assert_eq!(whoami(&directory, ALICE, &more), 49);
}

#[test]
fn what_an_administrator_sets_must_be_a_good_password_too() {
    let directory = Directory::sample();
    let lines = "dn: cn=default,cn=cos,cn=zimbra\nchangetype: modify\n\
        add: zimbraPasswordMinLength\nzimbraPasswordMinLength: 10\n-\n\
        add: zimbraPasswordMinAge\nzimbraPasswordMinAge: 7\n-\n\
        add: zimbraPasswordLocked\nzimbraPasswordLocked: TRUE\n";
    assert_eq!(directory.modify(lines, &[]).code, 0);
    let set = |password: &str| directory.admin("ldappasswd", &["-s", password, ALICE]);
    let said = set("short-one");
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("Constraint violation (19)")
            && said.out.contains("it needs at least 10 characters"),
        "{said:?}"
    );
    // When it was changed last, and whether the user may, does not bind administrators.
    assert_eq!(set("long-enough").code, 0);
    assert_eq!(set("long-enough-again").code, 0);
    assert_eq!(whoami(&directory, ALICE, "long-enough-again"), 0);

    let replace = |value: &str| {
        let lines = format!(
            "dn: {ALICE}\nchangetype: modify\nreplace: userPassword\nuserPassword: {value}\n"
        );
        directory.modify(&lines, &[]).code
    };
    assert_eq!(replace("short-one"), 19);
    assert_eq!(replace("{SSHA}pggIHGl+PcllAGxF84PzT2J4C2J9msw1"), 0);
    assert_eq!(whoami(&directory, ALICE, "secret"), 0);
    let add = |password: &str| {
        let lines = format!(
            "dn: uid=erin,ou=people,dc=example,dc=test\nobjectClass: inetOrgPerson\n\
             objectClass: zimbraAccount\nuid: erin\ncn: Erin\nsn: Erin\n\
             zimbraId: 10000000-0000-4000-8000-000000000009\nzimbraAccountStatus: active\n\
             zimbraMailDeliveryAddress: erin@example.test\nuserPassword: {password}\n"
        );
        directory.modify(&lines, &["-a"]).code
    };
    assert_eq!(add("short-one"), 19);
    assert_eq!(add("long-enough"), 0);
    // What is no account has no policy.
    let said = directory.admin("ldappasswd", &["-s", "short", STORE]);
    assert_eq!(said.code, 0, "{said:?}");
}
