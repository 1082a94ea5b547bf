//! The words and decisions of grantd: pure functions over parsed types.
//!
//! Nothing here reads a clock, draws randomness, waits, or touches a file, a socket or a database:
//! time, entropy and keys come in as arguments. The way of a token request through this crate is
//! [`token_request`] → [`authenticate()`] → [`authorize()`] → [`mint()`]; that of a token which comes
//! back is [`presentation`] → [`authenticate()`] → [`presented_token`] → [`introspect()`] or
//! [`revoke()`].

pub mod api;
pub mod approval;
pub mod authenticate;
pub mod authorization_request;
pub mod authorize;
mod base62;
pub mod client;
pub mod code_challenge;
pub mod credentials;
pub mod duration;
pub mod error_code;
pub mod feed;
pub mod grant_type;
pub mod id;
pub mod introspect;
pub mod jose;
pub mod mint;
pub mod next_step;
pub mod opaque;
mod params;
pub mod permission;
pub mod presentation;
pub mod presented_token;
pub mod rate;
pub mod raw;
pub mod redirect_uri;
pub mod refresh_token;
pub mod refusal;
pub mod revoke;
pub mod secret;
pub mod standing;
pub mod time;
pub mod token_flaw;
pub mod token_format;
pub mod token_request;

pub use api::Api;
pub use approval::{
    Approval, Approved, CodeTerms, OnBehalf, RefreshState, ResourceOwner, UnknownUserState,
    UserState,
};
pub use authenticate::{Authenticated, authenticate};
pub use authorization_request::{Addressed, AuthorizationQuery, AuthorizationRequest, Prompt};
pub use authorize::{Asked, Authorized, Fact, Policy, admit, authorize};
pub use client::{Client, ClientApi, ClientKind, ClientState, CodeRules, Credential, Pkce};
pub use code_challenge::{CodeChallenge, CodeVerifier};
pub use credentials::Credentials;
pub use duration::{Ttl, whole_seconds};
pub use error_code::ErrorCode;
pub use feed::{FeedProof, admit_feed, admit_feed_token};
pub use grant_type::{GrantType, GrantTypes};
pub use id::{ApprovalId, ClientId, CredentialId, PasskeyId, SessionId, TokenId, UserId};
pub use introspect::{Introspection, admit_introspection, introspect};
pub use jose::{Algorithm, PublicKey, SigningKey};
pub use mint::{Issued, Pen, mint};
pub use next_step::{Step, Visitor, next_step};
pub use opaque::TokenSealer;
pub use permission::{Permission, RoleName, scope_names};
pub use presentation::Presentation;
pub use presented_token::PresentedToken;
pub use rate::{Level, Rate};
pub use raw::{Authorization, Raw};
pub use redirect_uri::RedirectUri;
pub use refresh_token::{Family, RefreshToken, RefreshTokens};
pub use refusal::{Refusal, Refused};
pub use revoke::{Revocation, revoke};
pub use secret::{AuthorizationCode, ClientSecret, Secret, SecretHash, SecretHasher, SecretKey};
pub use standing::{Objection, Standing, TokenNames};
pub use time::Timestamp;
pub use token_flaw::{TokenFlaw, TokenWords};
pub use token_format::TokenFormat;
pub use token_request::{Ask, CodeProof, Grant, TokenRequest};
