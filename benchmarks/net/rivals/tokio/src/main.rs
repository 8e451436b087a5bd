// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Tokio: a task per connection, on the runtime of one thread.
//
//     servers_tokio echo|lines|udp [HOST [PORT]]
//     servers_tokio proxy HOST PORT TARGET_HOST TARGET_PORT

mod echo;
mod lines;
mod listen;
mod proxy;
mod udp;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("echo") => listen::serve(2, echo::echo).await,
        Some("lines") => listen::serve(2, lines::answer).await,
        Some("udp") => udp::serve(2).await,
        Some("proxy") => {
            let target = listen::address(4);
            listen::serve(2, move |client| proxy::join(client, target.clone())).await
        }
        _ => {
            eprintln!("usage: servers_tokio echo|lines|udp|proxy HOST PORT ...");
            std::process::exit(2);
        }
    }
}
