//! Somebody who changes things over one connection and remembers what was acknowledged.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    super::{
        server::Client,
        wire::{self, Answer, form, request},
    },
    Dice,
    world::{State, Wish, World, listed, names},
};

pub(super) struct Writer {
    number: usize,
    bearer: String,
    dice: Dice,
    connection: Option<BufReader<TcpStream>>,
    made: usize,
    /// The change without an answer when the server was killed, and a token that it was to kill.
    undecided: Option<(Wish, Option<String>)>,
    pub(super) world: World,
    /// The newest secret of each client, where its answer arrived.
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) old_secrets: Vec<Client>,
    /// Tokens that some change was to kill.
    pub(super) dead: Vec<String>,
    pub(super) acknowledged: usize,
    /// How many changes were made although the answer was lost.
    pub(super) survived: usize,
    /// How often each object was changed.
    pub(super) deeds: BTreeMap<String, usize>,
}

impl Writer {
    pub(super) fn new(number: usize, bearer: &str, dice: Dice) -> Self {
        Self {
            number,
            bearer: bearer.to_owned(),
            dice,
            connection: None,
            made: 0,
            undecided: None,
            world: World::new(),
            secrets: BTreeMap::new(),
            old_secrets: Vec::new(),
            dead: Vec::new(),
            acknowledged: 0,
            survived: 0,
            deeds: BTreeMap::new(),
        }
    }

    /// One change after the other, until there is no answer.
    pub(super) fn write_until_the_end(&mut self, server: SocketAddr, all: &AtomicUsize) {
        self.connect(server);
        loop {
            let wish = self.wish();
            let Ok(doomed) = self.doomed_token(&wish) else { return };
            self.undecided = Some((wish.clone(), doomed));
            let (method, path, body) = self.request(&wish);
            let Some(answer) = self.ask(method, &path, &body) else { return };
            assert!((200..300).contains(&answer.status), "{wish:?}: {}", answer.text());
            let told = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
            if answer.status != 204 && told.is_null() {
                return; // cut off in the middle of the answer
            }
            self.acknowledged += 1;
            all.fetch_add(1, Ordering::Relaxed);
            self.done(told["client_secret"].as_str());
            if let Wish::Rewrite { id, .. } | Wish::Rotate { id } | Wish::State { id, .. } = &wish {
                assert_eq!(State::of(&told), self.world.clients[id], "{wish:?}");
            }
        }
    }

    /// Compares all that is there with all that was acknowledged. The change that had no answer may
    /// have been made; but then all of it.
    pub(super) fn read_back(&mut self, server: SocketAddr) {
        self.connect(server);
        let found = self.read_world();
        if let Some((wish, _)) = self.undecided.clone()
            && found == self.world.after(&wish)
        {
            self.survived += 1;
            self.done(None);
        }
        self.undecided = None;
        assert_eq!(found, self.world);
    }

    /// A request that is answered well.
    pub(super) fn call(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.ask(method, path, body).unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    fn connect(&mut self, server: SocketAddr) {
        // It may be dead already.
        self.connection = TcpStream::connect(server).ok().map(|stream| {
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            BufReader::new(stream)
        });
    }

    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Option<Answer> {
        let bearer = format!("Bearer {}", self.bearer);
        let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(&request(method, &format!("/api/v1{path}"), &headers, body.as_bytes()))
    }

    fn send(&mut self, bytes: &[u8]) -> Option<Answer> {
        let connection = self.connection.as_mut()?;
        connection.get_mut().write_all(bytes).ok()?;
        wire::read(connection)
    }

    /// The undecided change was made.
    fn done(&mut self, secret: Option<&str>) {
        let (wish, doomed) = self.undecided.take().unwrap();
        self.world = self.world.after(&wish);
        *self.deeds.entry(wish.object(&self.role())).or_default() += 1;
        self.dead.extend(doomed);
        if let Wish::Create { id } | Wish::Rotate { id } = wish {
            if let Some(old) = self.secrets.remove(&id) {
                self.old_secrets.push(Client { id: id.clone(), secret: old });
            }
            self.secrets.extend(secret.map(|secret| (id, secret.to_owned())));
        }
    }

    fn role(&self) -> String {
        format!("role-{}", self.number)
    }

    fn read_world(&mut self) -> World {
        let clients = format!("/clients?owner=writer:{}&limit=1000", self.number);
        let clients = self.call("GET", &clients, &Value::Null);
        let role = self.call("GET", &format!("/roles/{}", self.role()), &Value::Null);
        let permissions = self.call("GET", "/permissions?limit=1000", &Value::Null);
        let items = |page: &Value| page["items"].as_array().unwrap().clone();
        let text = |item: &Value, member: &str| item[member].as_str().unwrap().to_owned();
        let mine = format!("p{}.", self.number);
        let client = |item: &Value| (text(item, "client_id"), State::of(item));
        World {
            clients: items(&clients).iter().map(client).collect(),
            role: listed(&role, "permissions"),
            permissions: items(&permissions)
                .iter()
                .map(|item| text(item, "name"))
                .filter(|name| name.starts_with(&mine))
                .collect(),
        }
    }

    /// Something that changes something.
    fn wish(&mut self) -> Wish {
        self.made += 1;
        let (number, made) = (self.number, self.made);
        let kind = self.dice.below(100);
        let known = self.world.clients.len();
        if known == 0 || kind < 30 {
            return Wish::Create { id: format!("c{number}.{made}") };
        }
        let (id, client) = self.world.clients.iter().nth(self.dice.below(known)).unwrap();
        let id = id.clone();
        match kind {
            30..60 => {
                let mut permissions =
                    if made % 2 == 0 { names(&["a"]) } else { names(&["a", "b"]) };
                permissions.extend(self.world.permissions.last().cloned());
                Wish::Rewrite { id, text: format!("{made} times"), permissions }
            }
            60..75 => Wish::Rotate { id },
            75..85 if client.standing == "active" => Wish::State { id, state: "revoked" },
            75..85 => Wish::State { id, state: "active" },
            85..92 => {
                let less: BTreeSet<_> = names(&["a"]);
                Wish::Role(if self.world.role == less { names(&["a", "b"]) } else { less })
            }
            _ => match self.world.permissions.first().cloned() {
                Some(name) if kind < 96 => Wish::NoPermission(name),
                _ => Wish::NewPermission(format!("p{number}.{made}")),
            },
        }
    }

    /// A token of a client that the change concerns, if the change kills it; `Err`: no answer.
    fn doomed_token(&mut self, wish: &Wish) -> Result<Option<String>, ()> {
        let after = self.world.after(wish);
        let dies = |(id, state): (&String, &State)| {
            let kills = state.endless_secrets == 1
                && (after.clients[id].generation > state.generation
                    || after.clients[id].secrets > state.secrets);
            (kills && state.standing == "active").then(|| id.clone())
        };
        let candidate = self.world.clients.iter().filter_map(dies).next_back();
        let Some((id, secret)) = candidate.and_then(|id| self.secrets.get_key_value(&id)) else {
            return Ok(None);
        };
        let ask = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let answer = self.send(&form(&ask)).ok_or(())?;
        let told: Value = serde_json::from_slice(&answer.body).map_err(drop)?;
        Ok(Some(told["access_token"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()))
    }

    fn request(&self, wish: &Wish) -> (&'static str, String, Value) {
        let at = |id: &str, more: &str| format!("/clients/{id}{more}");
        match wish {
            Wish::Create { id } => {
                let body = json!({
                    "client_id": id, "name": id, "description": id, "permissions": ["a", "b"],
                    "roles": [self.role()], "owner": format!("writer:{}", self.number),
                    "signing_alg": "ES256",
                });
                ("POST", "/clients".to_owned(), body)
            }
            Wish::Rewrite { id, text, permissions } => {
                let body = json!({ "name": text, "description": text, "permissions": permissions });
                ("PATCH", at(id, ""), body)
            }
            Wish::Rotate { id } => ("POST", at(id, "/rotate"), Value::Null),
            Wish::State { id, state: "revoked" } => ("POST", at(id, "/revoke"), Value::Null),
            Wish::State { id, .. } => ("POST", at(id, "/restore"), Value::Null),
            Wish::Role(permissions) => {
                let path = format!("/roles/{}", self.role());
                ("PATCH", path, json!({ "permissions": permissions }))
            }
            Wish::NewPermission(name) => {
                ("POST", "/permissions".to_owned(), json!({ "name": name }))
            }
            Wish::NoPermission(name) => ("DELETE", format!("/permissions/{name}"), Value::Null),
        }
    }
}
