//! The address of the client of a request.
//!
//! Behind a trusted proxy, it is the last address in `X-Forwarded-For` that does not belong to one. Without a trusted
//! proxy, the header is ignored, because every client can send it.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, HeaderName, request::Parts},
};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct PeerAddress(pub(super) IpAddr);

/// The address of the client of a request.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}

impl ClientAddress {
    /// The address of the client of a request with these extensions; `0.0.0.0` if it is unknown.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        let unknown = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        extensions.get().copied().unwrap_or(unknown)
    }
}

/// Parses an address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    text.parse().or_else(|_| with_port()).ok()
}

/// The address of the client, given the other end of its connection and the networks of trusted proxies.
pub(super) fn of_request(
    peer: PeerAddress,
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> ClientAddress {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut client = peer.0.to_canonical();
    if !is_trusted(&client) {
        return ClientAddress(client);
    }
    let values: Vec<_> =
        headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let values = values.iter().flat_map(|value| value.split(','));
    let named: Vec<_> = values.map(|text| address(text.trim())).collect();
    for address in named.into_iter().rev() {
        // What precedes an invalid address was not added by a trusted proxy.
        let Some(address) = address else { break };
        client = address.to_canonical();
        if !is_trusted(&client) {
            break;
        }
    }
    ClientAddress(client)
}
