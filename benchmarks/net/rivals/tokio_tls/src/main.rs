// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Tokio with rustls, which is TLS in Rust: the echo server. It is a package of its own,
// so that the others can be built without it.
//
//     tls_tokio HOST PORT CERTIFICATE KEY

#[path = "../../tokio/src/echo.rs"]
mod echo;
#[path = "../../tokio/src/listen.rs"]
mod listen;

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use tokio_rustls::rustls::{Certificate, PrivateKey, ServerConfig};
use tokio_rustls::TlsAcceptor;

fn config(certificate: &str, key: &str) -> Result<ServerConfig, Box<dyn Error>> {
    let chain = rustls_pemfile::certs(&mut BufReader::new(File::open(certificate)?))?;
    let keys = rustls_pemfile::pkcs8_private_keys(&mut BufReader::new(File::open(key)?))?;
    let key = keys.into_iter().next().ok_or("no private key in PKCS #8")?;
    Ok(ServerConfig::builder()
        .with_safe_defaults()
        .with_no_client_auth()
        .with_single_cert(
            chain.into_iter().map(Certificate).collect(),
            PrivateKey(key),
        )?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() != 5 {
        return Err("usage: tls_tokio HOST PORT CERTIFICATE KEY".into());
    }
    let acceptor = TlsAcceptor::from(Arc::new(config(&arguments[3], &arguments[4])?));
    listen::serve(1, move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(secure) = acceptor.accept(stream).await {
                echo::echo(secure).await;
            }
        }
    })
    .await?;
    Ok(())
}
