# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

if ! command -v curl >/dev/null || ! command -v python3 >/dev/null; then
  echo "not tested: curl or python3 is not installed"
  exit 0
fi

# shellcheck disable=SC2154  # the variables are those of test.sh
$limited "$programs/web_hello" 127.0.0.1 0 >"$folder/server.out" \
  2>"$folder/server.err" &
server=$!
running="$running $server"
eventually server.out '^======== Running on http://127\.0\.0\.1:[1-9][0-9]* ========$'
port=$(sed -n 's/^=.*:\([0-9]*\) =.*/\1/p' "$folder/server.out")
url=http://127.0.0.1:$port

curl -sS --max-time 10 -i "$url/World" >"$folder/last.out" || fail "curl"
expect last.out '^HTTP/1.1 200 OK'
expect last.out '^Content-Type: text/plain; charset=utf-8'
expect last.out '^Content-Length: 13'
expect last.out '^Hello, World!$'
curl -sS --max-time 10 "$url/" "$url/%C3%A4%20b" >"$folder/last.out" || fail "curl"
expect last.out '^Hello, Anonymous!Hello, ä b!$'
curl -sS --max-time 10 -I "$url/World" >"$folder/last.out" || fail "curl -I"
expect last.out '^Content-Length: 13'
curl -sS --max-time 10 -i "$url/no/such/thing" >"$folder/last.out" || fail "curl 404"
expect last.out '^HTTP/1.1 404 Not Found'
curl -sS --max-time 10 -i -X DELETE "$url/World" >"$folder/last.out" || fail "curl 405"
expect last.out '^Allow: GET, HEAD'

# A thousand requests in one go are answered in order.
python3 - "$port" <<'END' >"$folder/last.out" 2>"$folder/last.err" || fail "pipelining"
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10) as s:
    s.sendall(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % i for i in range(1000)))
    s.shutdown(socket.SHUT_WR)
    data = b""
    while chunk := s.recv(65536):
        data += chunk
for i in range(1000):
    head, data = data.split(b"\r\n\r\n", 1)
    want = b"Hello, %d!" % i
    assert data.startswith(want), (i, data[:20])
    data = data[len(want):]
assert data == b""
print("in order")
END
expect last.out '^in order$'

# Sixty-four connections for a second: nothing fails.
if command -v wrk >/dev/null; then
  $limited wrk -t1 -c64 -d1s "$url/World" >"$folder/last.out" 2>&1 || fail "wrk"
  expect last.out '^Requests/sec: *[1-9][0-9]*'
  if grep -E 'Socket errors|Non-2xx' "$folder/last.out"; then fail "wrk"; fi
else
  echo "not tested with wrk: it is not installed"
fi

expect_code 2 web_hello 127.0.0.1 65536
expect last.err '^usage: '
expect_code 1 web_hello 127.0.0.1 "$port"
expect last.err 'Address already in use'
stop_server TERM
