# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

expect_code 0 chat_terminal --help
expect last.out '^usage: .*\[URL\] \[--name NAME\] \[--room ROOM\]$'
expect_code 2 chat_terminal --nme anna
expect last.err 'not understood: --nme$'
expect last.err '^usage: '
expect_code 2 chat_terminal --name
expect_code 2 chat_terminal --room ' '
expect_code 2 chat_terminal http://127.0.0.1:1/ http://127.0.0.1:2/
for url in ftp://127.0.0.1/ 'http://' 'http://a b/' /ws; do
  expect_code 2 chat_terminal "$url"
  expect last.err 'not a URL of a chat: '
done
expect_code 1 chat_terminal http://127.0.0.1:1/ </dev/null
expect last.err '^chat_terminal: cannot connect to .*127\.0\.0\.1:1.*Connection refused'
[ ! -s "$folder/last.out" ] || fail "it spoke without a server"

# shellcheck disable=SC2154  # the variables are those of test.sh
if command -v python3 >/dev/null; then
  $limited python3 "$here/chat/terminal.test.py" "$programs" >"$folder/python.out" \
    2>"$folder/python.err" || fail "against a server in Python"
  expect python.out '^the terminal client is as it should be$'
else
  echo "not tested against a server: there is no python3"
fi
