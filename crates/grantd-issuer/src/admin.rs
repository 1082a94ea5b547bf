//! Who changes something: an authority that only grantd's own faces can make.

use std::net::IpAddr;

use grantd_core::{ClientId, Timestamp};

/// Somebody who may change everything: who it is, and from where.
///
/// There is no way to make one from a request's own words: the command line makes one for who can
/// read the database and its keys, the admin API for a token with `manage_system`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    name: String,
    address: Option<IpAddr>,
}

impl Admin {
    /// The person at the command line, by the name of their account there.
    pub fn command_line(account: &str) -> Self {
        Self { name: format!("cli:{account}"), address: None }
    }

    /// A client whose token has `manage_system`, as the guard of the admin API has seen.
    pub fn client(id: &str, address: Option<IpAddr>) -> Self {
        Self { name: format!("client:{id}"), address }
    }

    /// A user whose token has `manage_system`, as the guard of the admin API has seen.
    pub fn user(id: &str, address: Option<IpAddr>) -> Self {
        Self { name: format!("user:{id}"), address }
    }

    /// The program itself, e.g. setting up its demo.
    pub fn program(part: &str) -> Self {
        Self { name: format!("grantd:{part}"), address: None }
    }

    /// As the audit log names it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Who made a change and when: the part of an audit event that does not come from the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Who.
    pub actor: String,
    /// From where, if over a network.
    pub address: Option<IpAddr>,
    /// When.
    pub at: Timestamp,
}

impl Stamp {
    /// Of what a client's own request brought about.
    pub fn of_client(id: &ClientId, at: Timestamp) -> Self {
        Self { actor: format!("client:{id}"), address: None, at }
    }

    pub(crate) fn of(admin: &Admin, at: Timestamp) -> Self {
        Self { actor: admin.name.clone(), address: admin.address, at }
    }
}
