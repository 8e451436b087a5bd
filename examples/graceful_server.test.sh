# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

# A client that takes its page slowly, over the end of the server.
start_server graceful_server
mkfifo "$folder/begin"
$limited "$programs/chat_client" 127.0.0.1 "$port" <"$folder/begin" >"$folder/page.out" 2>&1 &
client=$!
running="$running $client"
exec 3>"$folder/begin"
eventually page.out '^ *1$'
stop_server TERM
exec 3>&-
wait "$client" || fail "the client failed"
expect page.out '^ *1000000$'
expect server.out '^All clients are served$'

# A client whose reader does nothing: a second Ctrl-C does not wait for it.
start_server graceful_server
mkfifo "$folder/sink"
exec 4<>"$folder/sink"
$limited "$programs/chat_client" 127.0.0.1 "$port" <"$folder/begin" >&4 2>/dev/null 4<&- &
running="$running $!"
exec 3>"$folder/begin"
dd if="$folder/sink" of="$folder/first.out" bs=16 count=1 2>/dev/null  # it is connected
kill -INT "$server"
while $limited "$programs/chat_client" 127.0.0.1 "$port" </dev/null >"$folder/page.out" 2>&1; do
  :  # it still listens
done
kill -0 "$server" || fail "the server did not wait for its client"
while kill -INT "$server" 2>/dev/null; do sleep 0.05; done
code=0
wait "$server" || code=$?
[ "$code" -eq 0 ] || fail "the server ended with $code after two SIGINT"
[ ! -s "$folder/server.err" ] || fail "the server wrote to stderr"
