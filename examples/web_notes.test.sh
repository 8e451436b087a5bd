# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

if ! command -v curl >/dev/null; then
  echo "not tested: curl is not installed"
  exit 0
fi

# shellcheck disable=SC2154  # the variables are those of test.sh
$limited "$programs/web_notes" 127.0.0.1 0 >"$folder/server.out" \
  2>"$folder/server.err" &
server=$!
running="$running $server"
eventually server.out '^======== Running on http://127\.0\.0\.1:[1-9][0-9]* ========$'
port=$(sed -n 's/^=.*:\([0-9]*\) =.*/\1/p' "$folder/server.out")
url=http://127.0.0.1:$port

# Somebody listens all the time.
$limited curl -sSN "$url/events" >"$folder/events.out" 2>"$folder/events.err" &
running="$running $!"
eventually events.out '^: ping'

ask() {
  curl -sS --max-time 10 -i "$@" >"$folder/last.out" || fail "curl $*"
}
ask -d '{"text": "milk"}' "$url/notes"
expect last.out '^HTTP/1.1 201 Created'
expect last.out '^Location: /notes/1'
expect last.out '^Server-Timing: handler;dur='
expect last.out '^{"id":1,"text":"milk"}'
ask -d '{"text": "bread"}' "$url/notes"
ask "$url/notes/2"
expect last.out '^{"id":2,"text":"bread"}'
ask "$url/notes?contains=il"
expect last.out '^\[{"id":1,"text":"milk"}\]'
ask "$url/notes/3"
expect last.out '^HTTP/1.1 404 Not Found'
expect last.out '^no such note'
ask -d '{"text"' "$url/notes"
expect last.out '^HTTP/1.1 400 Bad Request'
ask -d '[]' "$url/notes"
expect last.out '^a note is an object with a text'
ask "$url/notes/x"
expect last.out '^404: Not Found'

eventually events.out '^data: bread'
expect events.out '^event: note'
expect events.out '^data: milk'

# The stream ends with the server, not after its time limit.
stop_server INT
expect server.out '^2 notes are forgotten$'
