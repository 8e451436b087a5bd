// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Tokio: a task per connection, on the runtime of one thread.
//
//     echo_tokio [lines] [HOST [PORT]]

use std::io::Write;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

async fn echo(mut stream: TcpStream) {
    let mut buffer = vec![0u8; 65536];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => {
                if stream.write_all(&buffer[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn answer(mut stream: TcpStream) {
    let (reading, mut writing) = stream.split();
    let mut reader = BufReader::with_capacity(65536, reading);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                if writing.write_all(&line).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    let lines = arguments.next_if_eq("lines").is_some();
    let host = arguments.next().unwrap_or_else(|| "127.0.0.1".into());
    let port = arguments.next().unwrap_or_else(|| "0".into());
    let listener = TcpListener::bind(format!("{host}:{port}")).await?;
    println!("listening on {}", listener.local_addr()?);
    std::io::stdout().flush()?;
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true)?;
            if lines {
                tokio::spawn(answer(stream));
            } else {
                tokio::spawn(echo(stream));
            }
        }
    }
}
