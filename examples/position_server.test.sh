# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

expect_code 2 position_client
expect last.err '^usage: .*NAME \[HOST\] \[PORT\]'

start_server position_server
check_command_line position_server

mkfifo "$folder/anna" "$folder/bert"
$limited "$programs/position_client" anna 127.0.0.1 "$port" <"$folder/anna" >"$folder/anna.out" 2>&1 &
anna=$!
$limited "$programs/position_client" bert 127.0.0.1 "$port" <"$folder/bert" >"$folder/bert.out" 2>&1 &
bert=$!
running="$running $anna $bert"
exec 3>"$folder/anna" 4>"$folder/bert"
eventually anna.out '^bert 20 6$'
eventually bert.out '^anna 20 6$'
echo ddds >&3
eventually bert.out '^anna 23 7$'
echo aw >&4
eventually anna.out '^bert 19 5$'

# What is no position is nobody's trouble.
if command -v socat >/dev/null; then
  for bad in '' x 'name one two' "$(printf 'a%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22) 1 1"; do
    printf '%s' "$bad" | $limited socat -t 0 - "UDP:127.0.0.1:$port"
  done
fi
echo s >&3
eventually bert.out '^anna 23 8$'
if says bert.out '^aaa'; then fail "a name that is too long was taken"; fi

exec 3>&- 4>&-
wait "$anna" || fail "a client failed at the end of its input"
wait "$bert" || fail "a client failed at the end of its input"
stop_server INT
