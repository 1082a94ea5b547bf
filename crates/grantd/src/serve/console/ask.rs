//! The page between a person and what cannot be undone: it tells what dies, and asks.

use askama::Template;
use axum::response::Response;

use super::{complaint::Complaint, frame::Frame, page::page};

/// A question whether something should be deleted.
#[derive(Template)]
#[template(path = "ask.html")]
pub(super) struct Ask {
    pub(super) frame: Frame,
    /// What kind of thing.
    pub(super) what: &'static str,
    /// Its name.
    pub(super) name: String,
    /// What goes with it, in sentences.
    pub(super) dies: Vec<String>,
    /// What its answerer saw; comes back with the answer.
    pub(super) seen: String,
    /// Where to go if not.
    pub(super) back: &'static str,
    pub(super) problem: Complaint,
}

/// The page of a question.
pub(super) fn ask(question: &Ask) -> Response {
    page(question.problem.status(), question)
}
