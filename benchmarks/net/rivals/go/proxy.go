// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// A proxy: a goroutine for each direction. io.Copy from socket to socket is splice(2).
//
//	proxy_go HOST PORT TARGET_HOST TARGET_PORT
package main

import (
	"io"
	"net"
)

// pass hands on the end of one direction, and leaves the other one open.
func pass(from, to *net.TCPConn) {
	io.Copy(to, from)
	to.CloseWrite()
}

func main() {
	target := net.JoinHostPort(argument(3, ""), argument(4, ""))
	serve(func(client net.Conn) {
		defer client.Close()
		up, err := net.Dial("tcp4", target)
		if err != nil {
			return
		}
		defer up.Close()
		back := make(chan struct{})
		go func() {
			pass(up.(*net.TCPConn), client.(*net.TCPConn))
			close(back)
		}()
		pass(client.(*net.TCPConn), up.(*net.TCPConn))
		<-back
	})
}
