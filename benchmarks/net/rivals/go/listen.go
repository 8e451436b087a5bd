// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// What the servers in Go have in common: a goroutine per connection, on one processor.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
)

// argument returns an argument of the program, or what it is by default.
func argument(index int, otherwise string) string {
	if len(os.Args) > index {
		return os.Args[index]
	}
	return otherwise
}

// where returns the address to listen at.
func where() string {
	return net.JoinHostPort(argument(1, "127.0.0.1"), argument(2, "0"))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// serve announces its port and gives each connection to handle.
func serve(handle func(net.Conn)) {
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp4", where())
	if err != nil {
		fail(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	for {
		connection, err := listener.Accept()
		if err == nil {
			go handle(connection)
		}
	}
}

// echo sends back what it receives, until the end.
func echo(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, 65536)
	for {
		n, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err = connection.Write(buffer[:n]); err != nil {
			return
		}
	}
}
