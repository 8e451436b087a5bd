// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

use std::io::Result;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

/// Passes on what either side says, until both have ended.
pub async fn join(mut client: TcpStream, target: String) -> Result<()> {
    let mut up = TcpStream::connect(target).await?;
    up.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut up).await?;
    Ok(())
}
