# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

# From its own server: 0.6 s one after the other, 0.3 s at once.
expect_code 0 fetch
expect last.out '^One after the other:$'
expect last.out '^All at once:$'
[ "$(grep -c ' 200 OK  *13 bytes  http://127\.0\.0\.1:' "$folder/last.out")" -eq 6 ] ||
  fail "not six pages"
awk '/in total/ { t[++n] = $1 } END { exit !(n == 2 && t[1] >= 0.6 && t[2] >= 0.3 &&
  t[2] < t[1] * 0.8) }' "$folder/last.out" || fail "the two times are odd"

# What fails is told, and does not stop the rest. (Nobody listens on a port that was
# free a moment ago, and the echo server does not speak HTTP.)
start_server echo_server
stop_server INT
closed=$port
start_server echo_server
expect_code 1 fetch "http://127.0.0.1:$closed/" "http://127.0.0.1:$port/" \
  https://127.0.0.1/ ftp://127.0.0.1/ http:/// http://127.0.0.1:99999/ 'http://a b/'
expect last.err ":$closed/: cannot connect to 127\.0\.0\.1:$closed: Connection refused"
expect last.err ":$port/: that is not HTTP/1\.1"
expect last.err '^fetch: https://127\.0\.0\.1/: only http, not https'
expect last.err '^fetch: ftp://127\.0\.0\.1/: not a URL of the form'
expect last.err '^fetch: http:///: a URL without a host'
expect last.err '^fetch: http://127\.0\.0\.1:99999/: a port is 1 to 65535'
expect last.err '^fetch: http://a b/: not a URL of the form'
stop_server INT

expect_code 2 fetch --help
expect last.err '^usage: '
