# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

expect_code 2 unix_line_server
expect last.err '^usage: .* PATH'
expect_code 1 unix_line_server /no/such/folder/socket
expect last.err 'cannot bind to /no/such/folder/socket'
: >"$folder/file"
expect_code 1 unix_line_server "$folder/file"
expect last.err 'Address already in use'

socket=$folder/socket
start() {
  $limited "$programs/unix_line_server" "$socket" >"$folder/server.out" 2>"$folder/server.err" &
  server=$!
  running="$running $server"
  eventually server.out "^Serving on $socket\$"
}

start
if command -v socat >/dev/null; then
  printf 'set colour dark blue\nget colour\nget size\nhello\n' |
    $limited socat -t 5 - "UNIX:$socket" >"$folder/first.out"
  printf 'ok\ndark blue\nunknown\nplease say: set NAME VALUE, or: get NAME\n' |
    cmp -s - "$folder/first.out" || fail "the answers are not what was expected"
  printf 'get colour\n' | $limited socat -t 5 - "UNIX:$socket" >"$folder/second.out"
  expect second.out '^dark blue$'
  head -c 200000 /dev/zero | tr '\0' x | $limited socat -t 5 - "UNIX:$socket" >"$folder/long.out"
  expect long.out '^this line is too long$'
else
  echo "no socat here: nobody has talked to the server"
fi
stop_server INT
[ ! -e "$socket" ] || fail "the server has left its socket behind"

# One that was killed leaves its socket; the next takes its place.
start
kill -KILL "$server"
wait "$server" || :
[ -e "$socket" ] || fail "the socket of a killed server is gone"
rm "$folder/server.out"
start
stop_server TERM
