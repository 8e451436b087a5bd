// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

use std::io::Result;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::TcpStream;

/// Line by line: the answers leave when nothing more has been received.
pub async fn answer(mut stream: TcpStream) -> Result<()> {
    let (reading, writing) = stream.split();
    let mut reader = BufReader::with_capacity(65536, reading);
    let mut writer = BufWriter::with_capacity(65536, writing);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await? > 0 {
        writer.write_all(&line).await?;
        line.clear();
        if reader.buffer().is_empty() {
            writer.flush().await?;
        }
    }
    Ok(())
}
