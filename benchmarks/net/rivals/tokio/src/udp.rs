// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

use crate::listen;
use std::io::Result;
use tokio::net::UdpSocket;

/// Datagrams in one task.
pub async fn serve(first: usize) -> Result<()> {
    let socket = UdpSocket::bind(listen::address(first)).await?;
    listen::announce(socket.local_addr()?)?;
    let mut buffer = vec![0u8; 65536];
    loop {
        if let Ok((n, from)) = socket.recv_from(&mut buffer).await {
            // A datagram may be lost.
            let _ = socket.send_to(&buffer[..n], from).await;
        }
    }
}
