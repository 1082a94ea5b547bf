//! The words of the admin API that are about users.

use std::str::FromStr;

use grantd_core::{Secret, UserId};
use grantd_issuer::{Password, UserName, UserState};
use serde::{Deserialize, Deserializer, de::Error};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, RefOr, SchemaFormat,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// What a user signs in with: 1 to 200 characters on one line, without blanks at its ends, without
/// colons and signs that are not seen, and no UUID. Unique whatever the case of its letters.
#[derive(Clone, Debug)]
pub(super) struct LoginName(pub(super) UserName);

/// A password: 10 to 250 characters. It is in no answer.
#[derive(Clone, Debug)]
pub(super) struct PasswordText(pub(super) Password);

/// A user's id.
#[derive(Clone, Copy, Debug)]
pub(super) struct UserIdText(pub(super) UserId);

/// Whether a user may act.
#[derive(Clone, Copy, Debug)]
pub(super) struct UserStateWord(pub(super) UserState);

/// Format characters (Unicode's Cf) of the first plane; [`UserName::is_plain`] knows the others too.
macro_rules! unseen {
    () => {
        ":\\x00-\\x1f\\x7f-\\x9f\\xad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u180e\\u200b-\\u200f\
        \\u2028-\\u202e\\u2060-\\u2064\\u2066-\\u206f\\ufeff\\ufff9-\\ufffb"
    };
}
const NAME: &str =
    concat!("^[^\\s", unseen!(), "]([^", unseen!(), "]{0,198}[^\\s", unseen!(), "])?$");
const UUID: &str = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";
/// Fewer than [`Password::MAX_BYTES`] of the longest characters: a schema counts no bytes.
const LONGEST: usize = 250;

impl<'de> Deserialize<'de> for LoginName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for UserStateWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for UserIdText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = text.parse().ok().filter(|_| text.len() == 36);
        id.map(Self).ok_or_else(|| D::Error::custom("not a UUID with its hyphens"))
    }
}

impl<'de> Deserialize<'de> for PasswordText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Secret::new(String::deserialize(deserializer)?);
        let short = text.reveal().chars().count() <= LONGEST;
        let password = Password::choose(text).ok().filter(|_| short);
        password.map(Self).ok_or_else(|| D::Error::custom("a password has 10 to 250 characters"))
    }
}

impl PartialSchema for LoginName {
    fn schema() -> RefOr<Schema> {
        described("What a user signs in with: 1 to 200 characters on one line, without blanks at its ends, without colons and signs that are not seen (Unicode's format characters), and no UUID. Unique whatever the case of its letters.")
            .pattern(Some(NAME))
            .build()
            .into()
    }
}

impl PartialSchema for PasswordText {
    fn schema() -> RefOr<Schema> {
        described("A password: 10 to 250 characters. It is in no answer.")
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .min_length(Some(Password::MIN_CHARACTERS))
            .max_length(Some(LONGEST))
            .write_only(true)
            .build()
            .into()
    }
}

impl PartialSchema for UserIdText {
    fn schema() -> RefOr<Schema> {
        described("A user's id, a UUID.").pattern(Some(UUID)).build().into()
    }
}

impl PartialSchema for UserStateWord {
    fn schema() -> RefOr<Schema> {
        let names = UserState::ALL.map(UserState::as_str);
        described("Whether a user may act.").enum_values(Some(names)).build().into()
    }
}

impl ToSchema for LoginName {}
impl ToSchema for PasswordText {}
impl ToSchema for UserIdText {}
impl ToSchema for UserStateWord {}

fn described(text: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(text))
}

fn parsed<'de, T: FromStr<Err: std::fmt::Display>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}
