//! A resource server of its own, protected by a grantd elsewhere:
//! `cargo run --example schools -- http://127.0.0.1:8080`

use grantd_guard::Guard;

#[path = "../src/demo/schools.rs"]
mod schools;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let issuer = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let guard = Guard::discover(issuer).build().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, schools::routes(&guard)).await?;
    Ok(())
}
