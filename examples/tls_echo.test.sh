# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

if ! command -v openssl >/dev/null; then
  echo "not tested: openssl, which makes the certificate, is not installed"
  exit 0
fi
for name in known stranger; do
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout "$folder/$name.key" \
    -out "$folder/$name.pem" -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>"$folder/openssl.err" ||
    fail "openssl req"
done

# shellcheck disable=SC2154  # the variables are those of test.sh
$limited "$programs/tls_echo" server "$folder/known.pem" "$folder/known.key" 0 \
  >"$folder/server.out" 2>"$folder/server.err" &
server=$!
running="$running $server"
eventually server.out '^Serving on 127\.0\.0\.1:[1-9]'
port=$(sed -n 's/^Serving on .*://p' "$folder/server.out")

expect_code 0 tls_echo client "$folder/known.pem" "$port"
expect last.out '^Connected: TLSv1.3, CN=localhost$'
expect last.out "^Received: 'Hello World!'$"
expect_code 0 tls_echo client "$folder/known.pem" "$port" one two
expect last.out "^Received: 'two'$"

# Whoever is not known is not spoken to.
expect_code 1 tls_echo client "$folder/stranger.pem" "$port"
expect last.err 'certificate verify failed: self-signed certificate'

expect_code 2 tls_echo
expect last.err '^usage: '
expect_code 1 tls_echo server "$folder/known.key" "$folder/known.key" 0
expect last.err "cannot load the certificate '.*known.key': "
expect_code 1 tls_echo server "$folder/known.pem" "$folder/stranger.key" 0
expect last.err 'key values mismatch'
stop_server TERM
