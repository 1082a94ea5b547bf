//! A browser as far as accounts need one: it keeps a cookie and follows nothing by itself.

use std::net::SocketAddr;

use url::form_urlencoded::Serializer;

use super::{
    server::Running,
    wire::{self, Answer, request},
};

/// What a browser calls itself here.
pub(crate) const AGENT: &str = "Test Browser/1";

/// A browser with at most one cookie.
pub(crate) struct Visitor {
    address: SocketAddr,
    pub(crate) cookie: Option<String>,
}

impl Visitor {
    pub(crate) fn new(running: &Running) -> Self {
        Self::at(running.address)
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, cookie: None }
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let cookie = self.cookie.clone().unwrap_or_default();
        let mut all = Vec::new();
        if !headers.iter().any(|(name, _)| *name == "Content-Type") {
            all.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        if !cookie.is_empty() {
            all.push(("Cookie", &cookie));
        }
        if !headers.iter().any(|(name, _)| *name == "User-Agent") {
            all.push(("User-Agent", AGENT));
        }
        all.extend_from_slice(headers);
        let answer = wire::send(self.address, &request(method, path, &all, body.as_bytes()));
        let answer = answer.unwrap();
        if let Some(set) = answer.header("set-cookie") {
            let pair = set.split(';').next().unwrap_or_default();
            self.cookie = Some(pair.to_owned()).filter(|pair| !pair.ends_with('='));
        }
        answer
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    /// Sends a form of our own, as a browser does.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[("Sec-Fetch-Site", "same-origin")], body)
    }

    pub(crate) fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.sign_in_for("", name, password)
    }

    pub(crate) fn sign_in_for(&mut self, page: &str, name: &str, password: &str) -> Answer {
        let mut form = Serializer::new(String::new());
        form.append_pair("name", name).append_pair("password", password);
        form.append_pair("return_to", page);
        self.post("/login", &form.finish())
    }

    /// Whether the server knows who this is.
    pub(crate) fn is_in(&mut self) -> bool {
        let answer = self.get("/account/sessions");
        assert!(matches!(answer.status, 200 | 303), "{}", answer.text());
        answer.status == 200
    }
}
