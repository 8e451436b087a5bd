// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

//! What the servers on Tokio have in common.

use std::future::Future;
use std::io::{Result, Write};
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};

/// The address in two arguments of the program.
pub fn address(first: usize) -> String {
    let mut arguments = std::env::args().skip(first);
    let host = arguments.next().unwrap_or_else(|| "127.0.0.1".into());
    let port = arguments.next().unwrap_or_else(|| "0".into());
    format!("{host}:{port}")
}

/// Tells the load generator where to connect; it waits for this line.
pub fn announce(at: SocketAddr) -> Result<()> {
    println!("listening on {at}");
    std::io::stdout().flush()
}

/// Calls `handle` with each connection, in a task of its own.
pub async fn serve<Handle, Handled>(first: usize, handle: Handle) -> Result<()>
where
    Handle: Fn(TcpStream) -> Handled,
    Handled: Future + Send + 'static,
    Handled::Output: Send + 'static,
{
    let listener = TcpListener::bind(address(first)).await?;
    announce(listener.local_addr()?)?;
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true)?;
            tokio::spawn(handle(stream));
        }
    }
}
