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
# start [COMMAND...]: what stands before the program.
start() {
  rm -f "$folder/server.out"
  "$@" "$programs/unix_line_server" "$socket" >"$folder/server.out" 2>"$folder/server.err" &
  server=$!
  running="$running $server"
  eventually server.out "^Serving on $socket\$"
}

# shellcheck disable=SC2154,SC2086  # several words, of test.sh
start $limited
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
# (By itself: the signal would end only the program that limits its time.)
start env
kill -KILL "$server"
wait "$server" 2>/dev/null || :
[ -e "$socket" ] || fail "the socket of a killed server is gone"
# shellcheck disable=SC2086
start $limited
stop_server TERM
