//! The examples of `/developer/docs`, run as they stand there.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    thread::{self, JoinHandle},
};

use super::{
    server::{Client, Place, Running, basic},
    visitor::Visitor,
    wire::{self, request},
};

const PASSWORD: &str = "correct horse battery";
const ANSWER: &str = "three invoices";

/// A server, a client of it, and the page as an operator sees it.
struct Desk {
    place: Place,
    running: Running,
    client: Client,
    page: String,
}

impl Desk {
    fn open() -> Self {
        let place = Place::new();
        place.grantd("permission create manage_system");
        place.grantd("permission create invoices.read");
        place.grantd("api create other --audience https://other.example");
        place.user("Ada", PASSWORD, "--permission manage_system");
        let client = place.client("--permission invoices.read");
        let running = place.serve("");
        let mut ada = Visitor::new(&running);
        ada.sign_in("Ada", PASSWORD);
        let page = ada.get("/developer/docs").text();
        Self { place, running, client, page }
    }

    /// An example as somebody copies it.
    fn example(&self, language: &str) -> String {
        let start = format!("<code id=\"example-{language}\">");
        let rest = self.page.split(&start).nth(1).unwrap();
        let mut text = rest.split("</code>").next().unwrap().to_owned();
        for (written, meant) in
            [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        {
            text = text.replace(written, meant);
        }
        text
    }

    /// Runs a program that calls an API with a token, and holds the token against this server.
    fn try_out(&self, program: &str, arguments: &[&str]) {
        let (address, called) = api();
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.place.path())
            .env("CLIENT_ID", &self.client.id)
            .env("CLIENT_SECRET", &self.client.secret)
            .env("API_URL", format!("http://{address}/invoices"))
            .output()
            .unwrap_or_else(|error| panic!("this test needs {program}: {error}"));
        let (said, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.contains(ANSWER), "{program}: {said} {complaint}");
        let token = called.join().unwrap();
        let server = self.place.client("--serves default");
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Authorization", &*basic(&server)),
        ];
        let body = format!("token={token}");
        let asked = request("POST", "/oauth/introspect", &headers, body.as_bytes());
        let told = wire::send(self.running.address, &asked).unwrap().json();
        assert_eq!((&told["active"], &told["scope"]), (&true.into(), &"invoices.read".into()));
    }

    fn write(&self, name: &str, language: &str) {
        std::fs::write(self.place.path().join(name), self.example(language)).unwrap();
    }
}

/// An API for one call; in the end it tells the token that came.
fn api() -> (std::net::SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let called = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let head: Vec<_> =
            lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{ANSWER}",
            ANSWER.len()
        );
        stream.write_all(answer.as_bytes()).unwrap();
        let token = head.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("authorization").then_some(value.trim())
        });
        token.unwrap().strip_prefix("Bearer ").unwrap().to_owned()
    });
    (address, called)
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}

#[test]
fn the_examples_work_as_they_are_copied() {
    let desk = Desk::open();
    desk.try_out("bash", &["-c", &desk.example("curl")]);
    desk.try_out("python3", &["-c", &desk.example("python")]);
    // These are big to ask of every machine.
    if is_there("node") {
        desk.write("client.mjs", "javascript");
        desk.try_out("node", &["client.mjs"]);
    }
    if is_there("java") {
        desk.write("Client.java", "java");
        desk.try_out("java", &["Client.java"]);
    }
    if is_there("php") {
        desk.write("client.php", "php");
        desk.try_out("php", &["client.php"]);
    }
}

#[test]
fn the_page_names_this_server_s_own_addresses() {
    let desk = Desk::open();
    let issuer = format!("http://{}", desk.running.address);
    for there in ["/oauth/token", "/.well-known/jwks.json", "/oauth/introspect", "/oauth/revoke"] {
        assert!(desk.page.contains(&format!("{issuer}{there}")), "{there}");
    }
    assert!(desk.page.contains("https://other.example"));
    for language in ["curl", "python", "javascript", "go", "java", "php", "rust"] {
        let text = desk.example(language);
        assert!(text.contains(&format!("{issuer}/oauth/token")), "{text}");
        assert!(text.contains("invoices.read") && !text.contains(&desk.client.secret), "{text}");
    }
}
