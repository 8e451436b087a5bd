# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

expect_code 2 echo_client 127.0.0.1 port
expect last.err '^usage: .*\[HOST\] \[PORT\] \[MESSAGE...\]'

# Nobody listens on a port that was free a moment ago.
start_server echo_server
stop_server INT
expect_code 1 echo_client 127.0.0.1 "$port"
expect last.err "^echo_client: cannot connect to 127\.0\.0\.1:$port: Connection refused"

expect_code 1 echo_client no-such-host.invalid 80
expect last.err "^echo_client: cannot resolve the host 'no-such-host.invalid'"
