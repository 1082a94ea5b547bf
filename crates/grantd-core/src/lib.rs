//! The words and decisions of grantd: pure functions over parsed types.
//!
//! Nothing here reads a clock, draws randomness, waits, or touches a file, a socket or a database:
//! time, entropy and keys come in as arguments. The way of a token request through this crate is
//! [`token_request`] → [`authenticate()`] → [`authorize()`] → [`mint()`].

pub mod api;
pub mod authenticate;
pub mod authorize;
pub mod client;
pub mod duration;
pub mod grant_type;
pub mod id;
pub mod jose;
pub mod mint;
mod params;
pub mod permission;
pub mod raw;
pub mod refusal;
pub mod secret;
pub mod time;
pub mod token_request;

pub use api::Api;
pub use authenticate::{Authenticated, authenticate};
pub use authorize::{Authorized, Policy, authorize};
pub use client::{Client, ClientApi, ClientKind, ClientState, Credential};
pub use duration::Ttl;
pub use grant_type::{GrantType, GrantTypes};
pub use id::{ClientId, CredentialId, TokenId};
pub use jose::{Algorithm, PublicKey, SigningKey};
pub use mint::{Issued, mint};
pub use permission::{Permission, RoleName};
pub use raw::{Authorization, Raw};
pub use refusal::{ErrorCode, Refusal, Refused};
pub use secret::{ClientSecret, Secret, SecretHash, SecretHasher, SecretKey};
pub use time::Timestamp;
pub use token_request::{Ask, Credentials, TokenRequest};
