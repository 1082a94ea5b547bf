//! Where a request really comes from, when it comes through proxies that are trusted to say so.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::HeaderMap;

/// How many hops are followed.
const HOPS: usize = 32;

/// The networks whose machines may say for whom they ask; none unless set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proxies(Vec<Network>);

/// Addresses that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// How many bits they share.
    bits: u8,
}

/// Why a text names no networks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address or network: write them like 10.0.0.0/8, 127.0.0.1, fd00::/8")]
pub(crate) struct ProxiesError(String);

impl FromStr for Proxies {
    type Err = ProxiesError;

    fn from_str(text: &str) -> Result<Self, ProxiesError> {
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        words.map(Network::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Proxies {
    /// The address behind the connection's: the last one in `X-Forwarded-For` that no trusted proxy
    /// has. What stands before that may be made up, and is not read.
    pub(crate) fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut origin = peer.to_canonical();
        if self.0.is_empty() {
            return origin;
        }
        let lines = headers.get_all("x-forwarded-for").iter().rev();
        // Each hop by itself: what a caller wrote must not spoil what a proxy added to it.
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        let hops = hops.map(|hop| str::from_utf8(hop).unwrap_or_default());
        for hop in hops.take(HOPS) {
            if !self.trusts(origin) {
                break;
            }
            let Some(address) = address(hop.trim()) else { break };
            origin = address.to_canonical();
        }
        origin
    }

    /// Whether nobody is believed.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }
}

impl Network {
    fn parse(word: &str) -> Result<Self, ProxiesError> {
        let refuse = || ProxiesError(word.to_owned());
        let (address, bits) = match word.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (word, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refuse())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| refuse()))?;
        if bits > most { Err(refuse()) } else { Ok(Self { address, bits }) }
    }

    fn holds(&self, address: IpAddr) -> bool {
        let alike = |mine: u128, other: u128, width: u8| {
            let shift = u32::from(width - self.bits);
            mine.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                alike(u32::from(mine).into(), u32::from(other).into(), 32)
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => alike(mine.into(), other.into(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// An address, with or without a port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(trusted: &str, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let proxies: Proxies = trusted.parse().unwrap();
        proxies.origin(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn nobody_is_believed_unless_trusted() {
        assert_eq!(origin("", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(origin("10.0.0.0/8", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn the_last_address_that_no_trusted_proxy_has_is_the_caller_s() {
        let trusted = "10.0.0.0/8, 127.0.0.1 fd00::/8";
        assert_eq!(origin(trusted, "127.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(
            origin(trusted, "10.1.2.3", &["1.1.1.1, 198.51.100.7, 10.9.9.9"]),
            "198.51.100.7"
        );
        assert_eq!(
            origin(trusted, "10.1.2.3", &["1.1.1.1", "198.51.100.7", "10.9.9.9"]),
            "198.51.100.7"
        );
        assert_eq!(origin(trusted, "fd00::1", &["[2001:db8::9]:443"]), "2001:db8::9");
        assert_eq!(origin(trusted, "::ffff:10.0.0.1", &["198.51.100.7:1234"]), "198.51.100.7");
        assert_eq!(origin(trusted, "10.0.0.1", &["10.0.0.2, 10.0.0.3"]), "10.0.0.2");
    }

    #[test]
    fn what_is_no_address_ends_the_way_back() {
        assert_eq!(origin("10.0.0.0/8", "10.0.0.1", &["1.1.1.1, unknown"]), "10.0.0.1");
        assert_eq!(origin("10.0.0.0/8", "10.0.0.1", &["", ","]), "10.0.0.1");
        let mut headers = HeaderMap::new();
        let spoilt = http::HeaderValue::from_bytes(b"\xff, 203.0.113.77").unwrap();
        headers.append("x-forwarded-for", spoilt);
        let proxies: Proxies = "10.0.0.0/8".parse().unwrap();
        let origin_of = proxies.origin("10.0.0.1".parse().unwrap(), &headers);
        assert_eq!(origin_of.to_string(), "203.0.113.77");
        let many = vec!["10.0.0.2"; 1000].join(",");
        assert_eq!(origin("10.0.0.0/8", "10.0.0.1", &[&many]), "10.0.0.2");
    }

    #[test]
    fn networks_are_read_strictly() {
        for bad in
            ["10.0.0.0/33", "10.0.0", "fd00::/129", "10.0.0.0/-1", "proxy.example", "10.0.0.0/"]
        {
            assert_eq!(bad.parse::<Proxies>(), Err(ProxiesError(bad.to_owned())));
        }
        assert_eq!(origin("0.0.0.0/0", "192.0.2.1", &["198.51.100.7"]), "198.51.100.7");
    }
}
