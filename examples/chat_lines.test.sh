# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

expect_code 0 chat --help
expect last.out '^usage: .*chat \[OPTION\]'
expect_code 2 chat --nonsense
expect last.err '^.*chat: --nonsense: no such option$'
expect_code 2 chat --web
expect last.err '--web: a value is missing$'
expect_code 2 chat --web 65536
expect last.err '--web: not a valid number: 65536$'
expect_code 2 chat --rate -1
expect_code 2 chat --log loud
expect_code 1 chat --web 0 --line 0 --redis http://x/
expect_code 1 chat --web 0 --line 0 --page /nowhere

if ! command -v python3 >/dev/null; then
  echo "not tested with clients: there is no python3"
  exit 0
fi
# shellcheck disable=SC2154  # the variables are those of test.sh
$limited python3 "$here/chat/lines.test.py" "$programs" >"$folder/python.out" \
  2>"$folder/python.err" || fail "with clients"
expect python.out '^the chat is as it should be$'
