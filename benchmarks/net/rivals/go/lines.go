// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Line by line: the answers leave when nothing more has been received.
package main

import (
	"bufio"
	"net"
)

func answer(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, 65536)
	writer := bufio.NewWriterSize(connection, 65536)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		if _, err = writer.Write(line); err != nil {
			return
		}
		if reader.Buffered() == 0 {
			if err = writer.Flush(); err != nil {
				return
			}
		}
	}
}

func main() {
	serve(answer)
}
