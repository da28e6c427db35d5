//! Whole exchanges between our client, our server and a table of accounts.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use roost_proto_sasl::scram::{Keys, ServerSignature};
use roost_proto_sasl::{
    Authenticate, Dialogue, Failure, Login, Mechanism, Nonce, Parameters, Password, Proof, Refused,
    Turn, client,
};

/// A directory that is a table.
struct Table(HashMap<String, (Password, Keys)>);

impl Table {
    fn of(accounts: &[(&str, &str)]) -> Self {
        let row = |&(name, password): &(&str, &str)| {
            let password = Password::new(password);
            let parameters = Parameters::new(b"salt of sixteen!".to_vec(), 4096).unwrap();
            let keys = Keys::derive(&password, parameters);
            (name.to_owned(), (password, keys))
        };
        Self(accounts.iter().map(row).collect())
    }
}

impl Authenticate for Table {
    type Account = String;

    async fn password(&self, login: Login) -> Result<String, Refused> {
        match self.0.get(&login.authcid) {
            Some((password, _)) if *password == login.password => {
                Ok(login.authzid.unwrap_or(login.authcid))
            }
            _ => Err(Refused::Credentials),
        }
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        Ok(match self.0.get(name) {
            Some((_, keys)) => keys.parameters().clone(),
            None => Parameters::new(b"decoy of sixteen".to_vec(), 4096).unwrap(),
        })
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(String, ServerSignature), Refused> {
        let (_, keys) = self.0.get(&proof.name).ok_or(Refused::Credentials)?;
        let signature = keys
            .verify(&proof.auth_message, &proof.client_proof)
            .ok_or(Refused::Credentials)?;
        Ok((proof.authzid.unwrap_or(proof.name), signature))
    }
}

/// Runs a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the table never waits"),
    }
}

/// What the client sees at the end of a SCRAM exchange, and whom the server takes it for.
fn scram(table: &Table, login: Login) -> Result<String, Failure> {
    let scram = client::Scram::new(login, Nonce::random());
    let first = scram.first();
    let (mut server, turn) = now(Dialogue::begin(
        table,
        Mechanism::ScramSha256,
        Some(first.as_bytes()),
    ));
    let challenge = continued(turn)?;
    let (proved, last) = scram.respond(challenge.as_bytes()).unwrap();
    let signature = continued(now(server.line(table, last.as_bytes())))?;
    proved.verify(signature.as_bytes()).unwrap();
    match now(server.line(table, b"")) {
        Turn::Accepted(account) => Ok(account),
        Turn::Failed(failure) => Err(failure),
        Turn::Continue(challenge) => panic!("one challenge too many: {challenge}"),
    }
}

fn continued(turn: Turn<String>) -> Result<String, Failure> {
    match turn {
        Turn::Continue(challenge) => Ok(challenge),
        Turn::Failed(failure) => Err(failure),
        Turn::Accepted(account) => panic!("{account} was accepted too early"),
    }
}

#[test]
fn the_exchange_of_rfc_7677_goes_through_our_server() {
    struct Pencil;
    impl Authenticate for Pencil {
        type Account = String;
        async fn password(&self, _: Login) -> Result<String, Refused> {
            Err(Refused::Credentials)
        }
        async fn scram_parameters(&self, _: &str) -> Result<Parameters, Refused> {
            Ok(keys().parameters().clone())
        }
        async fn scram_verify(&self, proof: Proof) -> Result<(String, ServerSignature), Refused> {
            let signature = keys().verify(&proof.auth_message, &proof.client_proof);
            Ok((proof.name, signature.ok_or(Refused::Credentials)?))
        }
        fn nonce(&self) -> Nonce {
            Nonce::of("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0").unwrap()
        }
    }
    fn keys() -> Keys {
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
         wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
            .parse()
            .unwrap()
    }
    use base64::Engine as _;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let first = encode("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    let (mut server, turn) = now(Dialogue::begin(
        &Pencil,
        Mechanism::ScramSha256,
        Some(first.as_bytes()),
    ));
    let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let challenge = encode(&format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
    assert_eq!(turn, Turn::Continue(challenge));
    let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let last = encode(&format!("c=biws,r={nonce},p={proof}"));
    let signature = encode("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    assert_eq!(
        now(server.line(&Pencil, last.as_bytes())),
        Turn::Continue(signature)
    );
    assert_eq!(
        now(server.line(&Pencil, b"")),
        Turn::Accepted("user".into())
    );
}

#[test]
fn scram_tells_right_from_wrong_but_not_wrong_from_unknown() {
    let table = Table::of(&[("alice@example.test", "correct horse"), ("b,o=b", "x")]);
    let alice = Login::of("alice@example.test", "correct horse");
    assert_eq!(scram(&table, alice), Ok("alice@example.test".into()));
    assert_eq!(scram(&table, Login::of("b,o=b", "x")), Ok("b,o=b".into()));
    for (name, password) in [("alice@example.test", "wrong"), ("nobody", "x")] {
        assert_eq!(
            scram(&table, Login::of(name, password)),
            Err(Failure::Credentials)
        );
    }
}

#[test]
fn plain_carries_whom_to_act_as() {
    let table = Table::of(&[("admin", "secret")]);
    let mut login = Login::of("admin", "secret");
    login.authzid = Some("alice".into());
    let line = client::plain(&login);
    let (_, turn) = now(Dialogue::begin(
        &table,
        Mechanism::Plain,
        Some(line.as_bytes()),
    ));
    assert_eq!(turn, Turn::Accepted("alice".into()));
}

#[test]
fn a_client_does_not_trust_an_impostor() {
    let scram = client::Scram::new(Login::of("a", "b"), Nonce::of("abc").unwrap());
    let challenge = "cj1hYmNkZWYscz1BQUFBLGk9NDA5Ng=="; // r=abcdef,s=AAAA,i=4096
    let (proved, _) = scram.respond(challenge.as_bytes()).unwrap();
    let signature = "dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ==";
    assert_eq!(
        proved.verify(signature.as_bytes()),
        Err(client::ServerError::Signature)
    );
    for bad in [
        "cj1hYmMscz1BQUFBLGk9NDA5Ng==", // r=abc: nothing of the server's own
        "cj14eXpkZWYscz1BQUFBLGk9NDA5Ng==", // r=xyzdef: not ours
        "cj1hYmNkZWYscz1BQUFBLGk9MQ==", // i=1
        "cj1hYmNkZWYscz1BQUFBLGk9OTk5OTk5OTk5", // i=999999999
    ] {
        let scram = client::Scram::new(Login::of("a", "b"), Nonce::of("abc").unwrap());
        assert!(scram.respond(bad.as_bytes()).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_lines_panic_or_are_accepted(
        initial in proptest::option::of(any::<Vec<u8>>()),
        lines in proptest::collection::vec(any::<Vec<u8>>(), 0..4),
    ) {
        let table = Table(HashMap::new());
        for mechanism in Mechanism::ALL {
            let (mut server, _) = now(Dialogue::begin(&table, mechanism, initial.as_deref()));
            for line in &lines {
                prop_assert!(!matches!(now(server.line(&table, line)), Turn::Accepted(_)));
            }
        }
    }

    #[test]
    fn every_name_survives_the_exchange(name in "[^\0]{1,40}", password in "[^\0]{1,40}") {
        let table = Table::of(&[(&name, &password)]);
        prop_assert_eq!(scram(&table, Login::of(&name, &password)), Ok(name));
    }
}
