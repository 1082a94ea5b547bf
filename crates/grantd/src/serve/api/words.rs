//! The words of the admin API: JSON values that are what they say, and say so in the OpenAPI document.

use std::{fmt::Display, str::FromStr};

use grantd_core::{
    Algorithm, ClientId, ClientState, GrantType, Permission, Pkce, RoleName, Secret, TokenFormat,
    Ttl,
};
use grantd_issuer::Owner;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Number;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use super::uris::{self, AudienceWord, RedirectWord};

macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident($plain:ty) by $parsed:ty: $schema:expr;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Debug)]
            pub(super) struct $name(pub(super) $plain);

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    parsed::<$parsed, D>(deserializer).map(|word| Self(word.into()))
                }
            }

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let described = concat!($($doc),+).trim();
                    let object: ObjectBuilder = $schema;
                    object.schema_type(Type::String).description(Some(described)).build().into()
                }
            }

            impl ToSchema for $name {}

            impl Word for $name {
                type Plain = $plain;

                fn plain(self) -> $plain {
                    self.0
                }
            }
        )+
    };
}

words! {
    /// A permission's name, which is a scope-token (RFC 6749 section 3.3).
    PermissionName(Permission) by Permission: text(r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$");
    /// A role's name, of the same characters as a permission's.
    RoleText(RoleName) by RoleName: text(r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$");
    /// A client's id.
    ClientIdText(ClientId) by ClientId: text(r"^(?!\.{1,2}$|new$)[\x20-\x7e]{1,255}$");
    /// A grant type (RFC 6749 section 1.3).
    Grant(GrantType) by GrantType: one_of(&GrantType::ALL.map(GrantType::as_str));
    /// A signing algorithm (RFC 7518, RFC 8037).
    SigningAlg(Algorithm) by Algorithm: one_of(&Algorithm::ALL.map(Algorithm::as_str));
    /// How access tokens are written.
    Format(TokenFormat) by TokenFormat: one_of(&TokenFormat::ALL.map(TokenFormat::as_str));
    /// Whether a client must use PKCE when it acts for users.
    PkcePolicy(Pkce) by Pkce: one_of(&Pkce::ALL.map(Pkce::as_str));
    /// Whether a client may act.
    State(ClientState) by ClientState: one_of(&ClientState::ALL.map(ClientState::as_str));
    /// Who a client belongs to, as `TYPE:ID`, e.g. `tenant:42`.
    OwnerText(Owner) by OwnerWord: text(r"^[^\s:\x00-\x1f\x7f-\x9f]{1,100}:[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]{0,199}$");
    /// A name for people: 1 to 200 characters on one line, not beginning with a blank.
    Name(String) by Line<1, 200>: text(r"^[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]{0,199}$");
    /// An API's name: 1 to 100 characters on one line, not beginning with a blank.
    ApiName(String) by Line<1, 100>: text(r"^[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]{0,99}$");
    /// A description: up to 2000 characters on one line, not beginning with a blank.
    Description(String) by Line<0, 2000>: text(r"^([^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]{0,1999})?$");
    /// Where a code may be sent: https, http on the loopback addresses, or a private scheme with a dot
    /// (RFC 8252 section 7); no fragment, no user.
    RedirectUri(String) by RedirectWord: text(uris::REDIRECT_URI);
    /// The `aud` of tokens: an absolute URI without fragment.
    Audience(String) by AudienceWord: text(uris::AUDIENCE);
    /// A secret brought in from elsewhere, at least 22 printable ASCII characters.
    ImportedSecret(Secret) by SecretWord: text(r"^[\x21-\x7e]{22,500}$");
}

fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().pattern(Some(pattern))
}

fn one_of(names: &[&str]) -> ObjectBuilder {
    ObjectBuilder::new().enum_values(Some(names.iter().copied()))
}

fn parsed<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// A word and what it stands for.
pub(super) trait Word {
    /// What commands take.
    type Plain;

    /// That.
    fn plain(self) -> Self::Plain;
}

/// What words stand for.
pub(super) fn plain<W: Word, C: FromIterator<W::Plain>>(words: Vec<W>) -> C {
    words.into_iter().map(W::plain).collect()
}

/// A text on one line that does not begin with a blank, of so many characters.
#[derive(Clone, Debug)]
struct Line<const FROM: usize, const TO: usize>(String);

impl<const FROM: usize, const TO: usize> From<Line<FROM, TO>> for String {
    fn from(line: Line<FROM, TO>) -> Self {
        line.0
    }
}

impl<const FROM: usize, const TO: usize> FromStr for Line<FROM, TO> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = (FROM..=TO).contains(&text.chars().count());
        let begins = text.chars().next().is_none_or(|first| !first.is_whitespace());
        if fits && begins && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("write {FROM} to {TO} characters on one line, the first of them no blank"))
        }
    }
}

/// `TYPE:ID`.
#[derive(Clone, Debug)]
struct OwnerWord(Owner);

impl From<OwnerWord> for Owner {
    fn from(word: OwnerWord) -> Self {
        word.0
    }
}

impl FromStr for OwnerWord {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = "write TYPE:ID, like tenant:42";
        let (kind, id) = text.split_once(':').ok_or(refuse)?;
        let kind: Line<1, 100> = kind.parse().map_err(|_| refuse)?;
        let id: Line<1, 200> = id.parse().map_err(|_| refuse)?;
        if kind.0.contains(char::is_whitespace) {
            return Err(refuse);
        }
        Ok(Self(Owner { kind: kind.0, id: id.0 }))
    }
}

/// A secret that was not made here.
#[derive(Clone, Debug)]
struct SecretWord(Secret);

impl From<SecretWord> for Secret {
    fn from(word: SecretWord) -> Self {
        word.0
    }
}

impl FromStr for SecretWord {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (22..=500).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(Secret::new(text.to_owned())))
        } else {
            Err("an imported secret has 22 to 500 printable ASCII characters without blanks")
        }
    }
}

/// A duration in whole seconds, from one to ten years' worth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seconds(pub(super) Ttl);

impl Word for Seconds {
    type Plain = Ttl;

    fn plain(self) -> Ttl {
        self.0
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = whole(deserializer)?;
        let refuse = || D::Error::custom("write whole seconds, from 1 to 315360000");
        Ttl::from_seconds(seconds).map(Self).ok_or_else(refuse)
    }
}

impl PartialSchema for Seconds {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new().schema_type(Type::Integer);
        object.minimum(Some(1)).maximum(Some(Ttl::MAX.seconds())).build().into()
    }
}

impl ToSchema for Seconds {}

/// A whole number, `60.0` among them: JSON has one kind of number.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = Number::deserialize(deserializer)?;
    let exact = |number: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        let whole = number as i64;
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(whole)
    };
    number
        .as_i64()
        .or_else(|| number.as_f64().and_then(exact))
        .ok_or_else(|| D::Error::custom("write a whole number"))
}

/// A member that is there, whatever it is: null is something else than nothing.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
