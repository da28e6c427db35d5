//! What both directory servers must do for us: roost-directory and OpenLDAP's slapd.
//!
//! Each function of [`suite`] is one promise; it runs against each server, which the test starts in
//! a scratch folder on a free port and stops at its end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test says what is wrong by stopping"
)]

mod embedded;
mod server;
mod slapd;
mod suite;

/// Makes a test of each promise for each server: tests have to be functions with names of their own,
/// which only a macro can make.
macro_rules! contract {
    ($($module:ident: $($promise:ident),* $(,)?;)*) => {
        mod openldap {
            $(mod $module {
                $(#[tokio::test]
                async fn $promise() {
                    crate::suite::$module::$promise(&crate::slapd::start().await).await;
                })*
            })*
        }

        mod roost {
            $(mod $module {
                $(#[tokio::test]
                async fn $promise() {
                    crate::suite::$module::$promise(&crate::embedded::start().await).await;
                })*
            })*
        }
    };
}

contract! {
    administration:
        beginning_again_changes_nothing,
        a_name_is_taken_once,
        names_that_settings_mention_must_exist,
        what_is_in_use_stays,
        mistakes_are_named_with_what_was_meant,
        renaming_an_account_keeps_its_memberships,
        deleting_an_account_leaves_nothing_behind,
        a_domain_can_lie_below_another,
        members_come_and_go;
    lookup:
        accounts_are_found_under_every_address,
        settings_are_inherited,
        the_schema_is_served,
        the_address_list_hides_who_wants_to_be_hidden,
        senders_are_the_account_s_own_or_granted;
    login:
        only_the_right_password_opens,
        the_account_s_status_decides,
        scram_is_offered_where_the_server_can,
        passwords_can_be_changed;
    routing:
        mail_finds_accounts,
        mail_finds_members,
        mail_for_unknown_addresses_is_caught,
        lists_may_be_closed_to_strangers;
    access:
        daemons_read_but_neither_write_nor_see_passwords,
        users_see_themselves_and_change_their_preferences,
        strangers_see_nothing,
        connections_can_be_encrypted;
    outage:
        known_accounts_are_served_while_the_server_is_down,
        a_restarted_server_is_found_again,
        the_next_server_takes_over;
}
