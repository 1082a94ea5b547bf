//! Pages of lists: so many at a time, and where the next one begins.

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// How many items a page has at most: 1 to 1000.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit(u32);

impl Limit {
    /// One more than the page holds, which tells whether there is a next one.
    pub(super) const fn and_one(self) -> u32 {
        self.0 + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = u32::deserialize(deserializer)?;
        let fits = (1..=1000).contains(&limit);
        fits.then_some(Self(limit)).ok_or_else(|| D::Error::custom("limit is 1 to 1000"))
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new().schema_type(Type::Integer);
        object.minimum(Some(1)).maximum(Some(1000)).build().into()
    }
}

impl ToSchema for Limit {}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// What is on it.
    items: Vec<T>,
    /// What to say as `after` for the next page; null: this is the last.
    next: Option<String>,
}

impl<T> Page<T> {
    /// Of what was found, of which the last one shows only that there is more.
    pub(super) fn of<F>(mut found: Vec<F>, limit: Limit, place: impl Fn(&F) -> String) -> Self
    where
        T: for<'a> From<&'a F>,
    {
        let more = found.len() > limit.0 as usize;
        found.truncate(limit.0 as usize);
        let next = found.last().filter(|_| more).map(place);
        Self { items: found.iter().map(T::from).collect(), next }
    }
}

/// Which part of a list by name is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct NamesAsked {
    /// Only those behind this one: `next` of the page before.
    after: Option<String>,
    /// How many at most; 100 unless said.
    #[param(inline)]
    limit: Option<Limit>,
}

impl NamesAsked {
    /// That part of a short list that is there whole.
    pub(super) fn page<F, T>(self, mut all: Vec<F>, name: impl Fn(&F) -> String) -> Page<T>
    where
        T: for<'a> From<&'a F>,
    {
        if let Some(after) = self.after {
            all.retain(|item| name(item) > after);
        }
        Page::of(all, self.limit.unwrap_or_default(), name)
    }
}
