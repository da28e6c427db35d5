//! When the server is away.

use roost_core_directory::client::{Bind, Resolution};
use roost_core_directory::dn;

use crate::server::{DAEMON_PASSWORD, Server, address, client, free_port, password_of, wait_for};

pub async fn known_accounts_are_served_while_the_server_is_down(server: &Server) {
    let (alice, bob) = (address("alice@example.test"), address("bob@example.test"));
    let daemon = &server.daemon;
    assert!(matches!(
        daemon.recipient(&alice).await,
        Ok(Resolution::Account(_))
    ));
    server.stop();
    assert!(matches!(
        daemon.recipient(&alice).await,
        Ok(Resolution::Account(_))
    ));
    // Nobody asked for bob before: that he exists cannot be known, and neither that he does not.
    assert!(daemon.recipient(&bob).await.is_err());
    let password = password_of("alice@example.test");
    assert!(
        daemon
            .authenticate("alice@example.test", &password)
            .await
            .is_err()
    );
}

pub async fn a_restarted_server_is_found_again(server: &Server) {
    let bob = address("bob@example.test");
    server.daemon.ping().await.unwrap();
    server.stop();
    assert!(server.daemon.ping().await.is_err());
    server.restart();
    wait_for("the server to be found again", async || {
        server.daemon.ping().await.is_ok()
    })
    .await;
    assert!(server.daemon.account(&bob).await.unwrap().is_some());
    let password = password_of("bob@example.test");
    assert!(
        server
            .daemon
            .authenticate("bob@example.test", &password)
            .await
            .is_ok()
    );
}

pub async fn the_next_server_takes_over(server: &Server) {
    let urls = format!("ldap://127.0.0.1:{} {}", free_port(), server.url);
    let dn = dn::service_account("roost-mta");
    let password = DAEMON_PASSWORD.to_owned().into();
    let directory = client(&urls, Bind::Simple { dn, password });
    let alice = address("alice@example.test");
    assert!(directory.account(&alice).await.unwrap().is_some());
}
