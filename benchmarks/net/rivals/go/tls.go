// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The echo server in TLS:
//
//	tls_go HOST PORT CERTIFICATE KEY
package main

import (
	"crypto/tls"
	"net"
)

func main() {
	certificate, err := tls.LoadX509KeyPair(argument(3, ""), argument(4, ""))
	if err != nil {
		fail(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	serve(func(connection net.Conn) {
		echo(tls.Server(connection, config))
	})
}
