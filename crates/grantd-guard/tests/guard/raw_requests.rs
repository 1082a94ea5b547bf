//! Odd paths and methods over a real socket, where nothing tidies them up on the way.

use std::net::SocketAddr;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    application::application,
    forge::{Forge, claims},
};

async fn serve(forge: &Forge) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = application(&forge.guard());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// The status of the answer to this request line and these header lines, each with its line end.
async fn status(address: SocketAddr, request_line: &str, headers: &str) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{request_line} HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn rs_31_no_spelling_of_a_guarded_path_opens_it_without_a_token() {
    let forge = Forge::new("k");
    let address = serve(&forge).await;
    for path in [
        "/api/v1/schools",
        "/api/v1/schools/",
        "//api/v1/schools",
        "/api/v1/%73chools",
        "/API/v1/schools",
        "/api/v1/schools#x",
        "/api/v1/schools;x",
        "/api/v1/schools;x=/../",
        "/api/v1/./schools",
        "/api/v1/x/../schools",
        "/api/v1/schools%00",
        "/api/v1/schools?x#y",
        "http://api.example/api/v1/schools",
        "*",
    ] {
        let status = status(address, &format!("GET {path}"), "").await;
        assert!([400, 401, 404].contains(&status), "{path}: {status}");
    }
    let bearer = format!("Authorization: Bearer {}\r\n", forge.token(&claims(&json!({}))));
    assert_eq!(status(address, "GET /api/v1/schools", &bearer).await, 200);
}

#[tokio::test]
async fn rs_32_no_method_opens_a_guarded_route_without_a_token() {
    let address = serve(&Forge::new("k")).await;
    for method in
        ["HEAD", "PATCH", "TRACE", "OPTIONS", "CONNECT", "PUT", "DELETE", "POST", "get", "X-ANY"]
    {
        let status = status(address, &format!("{method} /api/v1/schools"), "").await;
        assert!([400, 401, 405].contains(&status), "{method}: {status}");
    }
}
