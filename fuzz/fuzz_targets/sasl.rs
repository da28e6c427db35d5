//! SASL exchanges, both ends: PLAIN, LOGIN, SCRAM and the base64 around them.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use roost_proto_sasl::client::{self, Scram};
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Ask, Exchange, Login, Mechanism, Nonce, Parameters, Step, prep};

fuzz_target!(|octets: &[u8]| {
    let Some((how, octets)) = octets.split_first() else {
        return;
    };
    for mechanism in Mechanism::ALL {
        exchange(mechanism, octets, how & 1 == 1);
    }
    for message in octets.split(|octet| *octet == b'\n') {
        server(message);
        if let Ok(text) = std::str::from_utf8(message) {
            if let Ok(name) = prep::name(text) {
                assert_eq!(prep::name(&name), Ok(name.as_ref().into()));
            }
            prep::password(text);
            Mechanism::parse(message);
        }
    }
});

/// Each line is a message of the client; encoded here, unless the octets bring their own base64.
fn exchange(mechanism: Mechanism, octets: &[u8], encode: bool) {
    let parameters = Parameters::new(b"a salt of sixteen".to_vec(), 4096).unwrap();
    let line = |message: &[u8]| match encode {
        true => STANDARD.encode(message).into_bytes(),
        false => message.to_vec(),
    };
    let mut lines = octets.split(|octet| *octet == b'\n').map(line);
    let nonce = Nonce::of("rOprNGfwEbeRWgbNEkqO").unwrap();
    let (mut exchange, mut step) = Exchange::begin(mechanism, lines.next().as_deref(), nonce);
    for _ in 0..12 {
        step = match step {
            Step::Challenge(challenge) => {
                assert!(STANDARD.decode(challenge).is_ok());
                match lines.next() {
                    Some(line) => exchange.line(&line),
                    None => return,
                }
            }
            Step::Ask(Ask::Password(login)) => {
                let again = client::plain(&login);
                let nonce = Nonce::of("x").unwrap();
                let initial = Some(again.as_bytes());
                let (_, step) = Exchange::begin(Mechanism::Plain, initial, nonce);
                assert!(
                    step == Step::Ask(Ask::Password(login)),
                    "PLAIN does not come back"
                );
                exchange.accept()
            }
            Step::Ask(Ask::ScramParameters { .. }) => exchange.parameters(&parameters),
            Step::Ask(Ask::ScramVerify(_)) => exchange.verified(&ServerSignature([7; 32])),
            Step::Accepted | Step::Failed(_) => return,
        };
    }
    panic!("an exchange without end");
}

/// A challenge of a server that is not to be trusted. Iterations are bounded by the crate, but cost
/// time: few are let through here.
fn server(message: &[u8]) {
    let rounds = message.windows(2).position(|two| two == b"i=");
    let digits = rounds
        .and_then(|at| message.get(at + 2..))
        .unwrap_or_default();
    if digits
        .iter()
        .take_while(|octet| octet.is_ascii_digit())
        .count()
        > 4
    {
        return;
    }
    let scram = Scram::new(
        Login::of("user", "pencil"),
        Nonce::of("rOprNGfwEbeRWgbNEkqO").unwrap(),
    );
    assert!(STANDARD.decode(scram.first()).is_ok());
    if let Ok((proved, _)) = scram.respond(message) {
        assert!(proved.verify(message).is_err());
    }
}
