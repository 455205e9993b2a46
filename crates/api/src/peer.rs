//! Who is at the other end of a connection.

use std::net::SocketAddr;

/// The address of the other side, for the throttle of sign-ins.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub Option<SocketAddr>);
