# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

expect_code 0 demo --quick
for line in \
  '^1\. Three' 'Hello, Bob!$' 'Hello, Alice!$' 'Hello, Charlie!$' \
  '^2\. Fetch' '^  /maps *|=*#*| *[0-9.]* s$' '^  In total .* like the slowest' \
  '^3\. 2,000 messages' '2,000 of 2,000$' 'every byte came back as it was sent' \
  '^4\. A chat' '^ *alice: .*heard by bob, carol$' '^ *bob: .*heard by alice, carol$' \
  '^5\. An echo server' '^ *1  *[0-9.]* us .*/s  *[0-9.]* us .*/s  *[0-9.]* x$' \
  '^ *20  *[0-9.]* us .*/s  *[0-9.]* us .*/s  *[0-9.]* x$' \
  '\./dev run chat_server' 'nc 127\.0\.0\.1 8888'; do
  expect last.out "$line"
done
[ ! -s "$folder/last.err" ] || fail "the demo wrote to stderr"
if LC_ALL=C grep -q "$(printf '[\033\r]')" "$folder/last.out"; then
  fail "there are control characters in a file"
fi

# Who stops to read, or never does, is no error.
{
  code=0
  $limited "$programs/demo" --quick 2>"$folder/head.err" || code=$?
  echo "$code" >"$folder/code"
} | head -n 3 >/dev/null
tries=0
until [ -s "$folder/code" ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || fail "it did not end"
  sleep 0.05
done
[ "$(cat "$folder/code")" -eq 0 ] || fail "with its output closed early it failed"
$limited "$programs/demo" --quick >&- || fail "without stdout it ended with $?"

expect_code 2 demo --slow
expect last.err '^usage: '
