# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

# From its own server: 0.6 s one after the other, 0.3 s at once; in the order of the URLs.
expect_code 0 web_fetch
expect last.out '^One after the other:$'
expect last.out '^All at once:$'
[ "$(grep -c ' 200 OK  *10000 bytes .* http://127\.0\.0\.1:' "$folder/last.out")" -eq 6 ] ||
  fail "not six pages"
sed -n 's,.*/\([0-9]00\)$,\1,p' "$folder/last.out" | tr '\n' ' ' |
  grep -qx '300 200 100 300 200 100 ' || fail "another order"
awk '/in total/ { t[++n] = $1 } END { exit !(n == 2 && t[1] >= 0.6 && t[2] >= 0.3 &&
  t[2] < t[1] * 0.8) }' "$folder/last.out" || fail "the two times are odd"

# On a terminal there is something to see meanwhile.
if command -v script >/dev/null; then
  script -qec "$programs/web_fetch" /dev/null >"$folder/terminal.out" </dev/null ||
    fail "on a terminal"
  expect terminal.out '\[##########'
fi

# What fails is told, and does not stop the rest.
start_server echo_server
stop_server INT
expect_code 1 web_fetch "http://127.0.0.1:$port/" ftp://127.0.0.1/ http:/// 'http://a b/'
expect last.out ":$port/  .*Connection refused"
expect last.out 'ftp://127\.0\.0\.1/  .'
expect last.out 'http:///  .'
expect last.out 'http://a b/  .'

expect_code 2 web_fetch --help
expect last.err '^usage: '
