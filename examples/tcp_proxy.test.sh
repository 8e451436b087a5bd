# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

expect_code 2 tcp_proxy 127.0.0.1 0
expect last.err '^usage: .*LISTEN_HOST LISTEN_PORT TARGET_HOST TARGET_PORT'

start_server echo_server
target=$server
target_port=$port

$limited "$programs/tcp_proxy" 127.0.0.1 0 127.0.0.1 "$target_port" \
  >"$folder/proxy.out" 2>"$folder/proxy.err" &
server=$!
running="$running $server"
eventually proxy.out '^Serving on 127\.0\.0\.1:[1-9]'
port=$(sed -n 's/^Serving on .*://p' "$folder/proxy.out")

$limited "$programs/echo_client" 127.0.0.1 "$port" one two >"$folder/client.out"
expect client.out "^Received: 'two'"

# Much, and an end of file behind which the answer still comes.
head -c 5000000 /dev/urandom >"$folder/sent"
$limited "$programs/chat_client" 127.0.0.1 "$port" <"$folder/sent" >"$folder/received" 2>"$folder/client.err"
cmp "$folder/sent" "$folder/received" || fail "the proxy has changed what went through"

# Nobody behind it: the client is let go, and the proxy goes on.
kill -TERM "$target"
wait "$target" || :
$limited "$programs/chat_client" 127.0.0.1 "$port" </dev/null >"$folder/gone.out" 2>&1 || :
eventually proxy.err "cannot connect to 127\.0\.0\.1:$target_port: Connection refused"
kill -TERM "$server"
wait "$server" || fail "the proxy failed"
