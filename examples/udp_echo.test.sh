# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

start_server udp_echo
check_command_line udp_echo
if command -v socat >/dev/null; then
  for word in one two three; do
    echo "$word" | $limited socat -t 1 - "UDP:127.0.0.1:$port" >"$folder/$word.out" &
    clients="${clients:-} $!"
  done
  for client in $clients; do wait "$client" || fail "socat failed"; done
  for word in one two three; do expect "$word.out" "^$word\$"; done
else
  echo "no socat here: nobody has sent a datagram"
fi
stop_server TERM

start_server udp_echo
stop_server INT
