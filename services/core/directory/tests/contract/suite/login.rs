//! Signing in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use roost_core_directory::client::{Denied, ScramVerdict, SignIn};
use roost_core_directory::model::AccountStatus;
use roost_kit::secret::Secret;
use roost_proto_sasl::client::Scram;
use roost_proto_sasl::{Login, Nonce, Password};

use crate::server::{Server, address, password_of};

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

async fn sign_in(server: &Server, login: &str, password: &str) -> Result<String, Denied> {
    match server
        .daemon
        .authenticate(login, &secret(password))
        .await
        .unwrap()
    {
        SignIn::Granted(account) => Ok(account.name.to_string()),
        SignIn::Denied(denied) => Err(denied),
    }
}

pub async fn only_the_right_password_opens(server: &Server) {
    server.domain("alias.test", Some("example.test")).await;
    let alice = "alice@example.test";
    server
        .admin
        .create_alias(&address(alice), &address("al@example.test"))
        .await
        .unwrap();
    let right = password_of(alice);
    let right = right.expose();
    for login in [
        alice,
        "ALICE@example.test",
        "al@example.test",
        "alice@alias.test",
    ] {
        assert_eq!(
            sign_in(server, login, right).await,
            Ok(alice.to_owned()),
            "{login}"
        );
    }
    assert_eq!(
        sign_in(server, "alice", right).await,
        Err(Denied::Credentials)
    );
    let edit = "zimbraDefaultDomainName=example.test".parse().unwrap();
    server.admin.modify_config(&[edit]).await.unwrap();
    server.daemon.forget();
    assert_eq!(sign_in(server, "alice", right).await, Ok(alice.to_owned()));
    for (login, password) in [
        (alice, "wrong"),
        (alice, ""),
        ("nobody@example.test", right),
        ("nobody@example.test", ""),
        ("nobody@elsewhere.test", right),
        ("@", right),
        ("", ""),
        ("*", right),
    ] {
        assert_eq!(
            sign_in(server, login, password).await,
            Err(Denied::Credentials),
            "{login}"
        );
    }
}

pub async fn the_account_s_status_decides(server: &Server) {
    let alice = "alice@example.test";
    let right = password_of(alice);
    for (status, expected) in [
        ("locked", AccountStatus::Locked),
        ("closed", AccountStatus::Closed),
        ("maintenance", AccountStatus::Maintenance),
    ] {
        server
            .set(alice, &[&format!("zimbraAccountStatus={status}")])
            .await;
        // A server that keeps the account shut by itself does not say why.
        let denied = sign_in(server, alice, right.expose()).await.unwrap_err();
        let told = [Denied::Status(expected), Denied::Credentials];
        assert!(told.contains(&denied), "{status}: {denied:?}");
        // A stranger is told nothing by either.
        assert_eq!(
            sign_in(server, alice, "wrong").await,
            Err(Denied::Credentials)
        );
    }
    server.set(alice, &["zimbraAccountStatus=active"]).await;
    assert_eq!(
        sign_in(server, alice, right.expose()).await,
        Ok(alice.to_owned())
    );
    server
        .admin
        .modify_domain(
            &"example.test".parse().unwrap(),
            &["zimbraDomainStatus=locked".parse().unwrap()],
        )
        .await
        .unwrap();
    server.daemon.forget();
    assert!(
        sign_in(server, alice, right.expose()).await.is_err(),
        "the domain is locked"
    );
}

pub async fn passwords_can_be_changed(server: &Server) {
    let alice = "alice@example.test";
    server
        .admin
        .set_password(&address(alice), &secret("new-password"))
        .await
        .unwrap();
    assert_eq!(
        sign_in(server, alice, "new-password").await,
        Ok(alice.to_owned())
    );
    let old = password_of(alice);
    assert_eq!(
        sign_in(server, alice, old.expose()).await,
        Err(Denied::Credentials)
    );

    let dn = roost_core_directory::dn::person(&address(alice));
    let mut ldap = server.raw(&dn, "new-password").await;
    let change = ldap3::exop::PasswordModify {
        user_id: None,
        old_pass: Some("new-password"),
        new_pass: Some("chosen by alice"),
    };
    ldap.extended(change).await.unwrap().success().unwrap();
    assert_eq!(
        sign_in(server, alice, "chosen by alice").await,
        Ok(alice.to_owned())
    );
}

pub async fn scram_is_offered_where_the_server_can(server: &Server) {
    if !server.daemon.offers_scram().await.unwrap() {
        assert!(!server.is_embedded, "roost-directory checks SCRAM");
        return;
    }
    let alice = "alice@example.test";
    let al = address("al@example.test");
    server
        .admin
        .create_alias(&address(alice), &al)
        .await
        .unwrap();
    let known = server.daemon.scram_parameters(alice).await.unwrap();
    let unknown = server
        .daemon
        .scram_parameters("nobody@example.test")
        .await
        .unwrap();
    assert_eq!(known.salt.len(), unknown.salt.len());
    assert_eq!(known.iterations, unknown.iterations);
    let again = server
        .daemon
        .scram_parameters("nobody@example.test")
        .await
        .unwrap();
    assert_eq!(unknown, again, "what is made up must not change");

    let right = password_of(alice);
    for (login, password, expected) in [
        (alice, right.expose().as_str(), true),
        ("al@example.test", right.expose().as_str(), true),
        (alice, "wrong", false),
        ("nobody@example.test", right.expose().as_str(), false),
    ] {
        assert_eq!(scram(server, login, password).await, expected, "{login}");
    }
}

/// A whole SCRAM-SHA-256 exchange (RFC 5802 §3), both sides of it checked.
async fn scram(server: &Server, login: &str, password: &str) -> bool {
    let login_of_client = Login {
        authzid: None,
        authcid: login.to_owned(),
        password: Password::new(password.to_owned()),
    };
    let client = Scram::new(login_of_client, Nonce::of("abc").unwrap());
    let first = String::from_utf8(BASE64.decode(client.first()).unwrap()).unwrap();
    let bare = first.strip_prefix("n,,").unwrap();
    let parameters = server.daemon.scram_parameters(login).await.unwrap();
    let salt = BASE64.encode(&parameters.salt);
    let challenge = format!("r=abcdef,s={salt},i={}", parameters.iterations);
    let (proved, answer) = client
        .respond(BASE64.encode(&challenge).as_bytes())
        .unwrap();
    let answer = String::from_utf8(BASE64.decode(answer).unwrap()).unwrap();
    let (without_proof, proof) = answer.rsplit_once(",p=").unwrap();
    let message = format!("{bare},{challenge},{without_proof}");
    let proof = BASE64.decode(proof).unwrap();
    match server
        .daemon
        .scram_verify(login, message.as_bytes(), &proof)
        .await
        .unwrap()
    {
        ScramVerdict::Granted {
            account,
            server_signature,
        } => {
            assert_eq!(account.name.to_string(), "alice@example.test");
            let last = format!("v={}", BASE64.encode(server_signature));
            proved.verify(BASE64.encode(last).as_bytes()).unwrap();
            true
        }
        ScramVerdict::Denied(denied) => {
            assert_eq!(denied, Denied::Credentials);
            false
        }
    }
}
