// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Datagrams in one goroutine.
package main

import (
	"fmt"
	"net"
	"runtime"
)

func main() {
	runtime.GOMAXPROCS(1)
	address, err := net.ResolveUDPAddr("udp4", where())
	if err != nil {
		fail(err)
	}
	socket, err := net.ListenUDP("udp4", address)
	if err != nil {
		fail(err)
	}
	fmt.Printf("listening on %s\n", socket.LocalAddr())
	buffer := make([]byte, 65536)
	for {
		n, from, err := socket.ReadFromUDPAddrPort(buffer)
		if err == nil {
			socket.WriteToUDPAddrPort(buffer[:n], from)
		}
	}
}
