//! In which state each command is allowed (RFC 9051 §6).

use crate::grammar::CommandBody;

/// The least that a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing.
    Nothing,
    /// That nobody has logged in yet.
    Stranger,
    /// A login.
    Login,
    /// A selected mailbox.
    Mailbox,
    /// A mailbox selected to be changed.
    WritableMailbox,
}

pub(super) const fn needs(command: &CommandBody) -> Needs {
    match command {
        CommandBody::Capability | CommandBody::Noop | CommandBody::Logout | CommandBody::Id(_) => {
            Needs::Nothing
        }
        CommandBody::StartTls | CommandBody::Authenticate { .. } | CommandBody::Login { .. } => {
            Needs::Stranger
        }
        CommandBody::Enable(_)
        | CommandBody::Select(_)
        | CommandBody::Create { .. }
        | CommandBody::Delete(_)
        | CommandBody::Rename { .. }
        | CommandBody::Subscribe(_)
        | CommandBody::Unsubscribe(_)
        | CommandBody::List(_)
        | CommandBody::Lsub { .. }
        | CommandBody::Namespace
        | CommandBody::Status { .. }
        | CommandBody::Append { .. }
        | CommandBody::Idle => Needs::Login,
        CommandBody::Check
        | CommandBody::Close
        | CommandBody::Unselect
        | CommandBody::Search(..)
        | CommandBody::Fetch(..)
        | CommandBody::Copy(..) => Needs::Mailbox,
        CommandBody::Expunge(_) | CommandBody::Store(..) | CommandBody::Move(..) => {
            Needs::WritableMailbox
        }
    }
}
