# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

expect_code 2 port_scanner
expect_code 2 port_scanner localhost 10 5
expect_code 2 port_scanner localhost 0
expect last.err '^usage: .*HOST \[FIRST\] \[LAST\]'
expect_code 1 port_scanner no-such-host.invalid
expect last.err 'no-such-host\.invalid'

start_server echo_server
expect_code 0 port_scanner 127.0.0.1 "$port" "$port"
expect last.out "^$port open\$"
expect last.out '^1 of 1 ports are open$'
first=$((port > 1500 ? port - 1500 : 1))
expect_code 0 port_scanner localhost "$first" "$port"
expect last.out "^$port open\$"
stop_server INT
expect_code 0 port_scanner 127.0.0.1 "$port" "$port"
expect last.out '^0 of 1 ports are open$'
