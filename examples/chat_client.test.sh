# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

expect_code 2 chat_client 127.0.0.1 port
expect last.err '^usage: .*\[HOST\] \[PORT\]'

start_server chat_server

# Ended by Ctrl-C, with nobody typing.
mkfifo "$folder/nothing"
sleep 60 >"$folder/nothing" &
running="$running $!"
timeout --foreground --preserve-status -s INT 0.5 \
  "$programs/chat_client" 127.0.0.1 "$port" <"$folder/nothing" >"$folder/quiet.out" ||
  fail "Ctrl-C ended it with $?"
expect quiet.out '^Welcome!'

# One listens; others send a file, a pipe, and nothing.
mkfifo "$folder/keys"
$limited "$programs/chat_client" 127.0.0.1 "$port" <"$folder/keys" >"$folder/listener.out" &
listener=$!
running="$running $listener"
exec 3>"$folder/keys"
echo listener >&3
eventually listener.out '^Welcome!'

printf 'file\nfrom a file\n' >"$folder/lines"
$limited "$programs/chat_client" 127.0.0.1 "$port" <"$folder/lines" >/dev/null || fail "a file: $?"
eventually listener.out '^file: from a file$'
eventually listener.out '^\* file has left$'

printf 'pipe\nfrom a pipe\nwithout newline' |
  $limited "$programs/chat_client" 127.0.0.1 "$port" >/dev/null || fail "a pipe: $?"
eventually listener.out '^pipe: from a pipe$'
eventually listener.out '^pipe: without newline$'

$limited "$programs/chat_client" 127.0.0.1 "$port" </dev/null >/dev/null || fail "/dev/null: $?"

exec 3>&-
wait "$listener" || fail "the listener ended with $?"
stop_server INT

expect_code 1 chat_client 127.0.0.1 "$port"
expect last.err "^chat_client: cannot connect to 127\.0\.0\.1:$port: Connection refused"
