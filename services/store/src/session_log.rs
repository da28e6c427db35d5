//! The one line that a session leaves when it ends.

use roost_kit::fields;
use roost_kit::net::{Ended, Peer};

use roost_login::SessionId;

/// Says how a session ended.
pub(crate) fn ended(service: &'static str, session: SessionId, peer: Peer, ended: &Ended) {
    tracing::info!(
        { fields::SERVICE } = service,
        { fields::SESSION } = %session,
        { fields::PEER } = %peer,
        octets_in = ended.octets_in,
        octets_out = ended.octets_out,
        how = %ended.how,
        "session ended"
    );
}
