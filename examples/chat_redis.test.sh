# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

for tool in python3 redis-server redis-cli; do
  if ! command -v "$tool" >/dev/null; then
    echo "not tested with Redis: there is no $tool"
    exit 0
  fi
done
code=0
# shellcheck disable=SC2154  # the variables are those of test.sh
$limited "$programs/chat" --redis http://x/ >/dev/null 2>"$folder/last.err" || code=$?
if says last.err 'built without hiredis'; then
  echo "not tested with Redis: built without hiredis"
  exit 0
fi
timeout --foreground -k 5 110 python3 "$here/chat/redis.test.py" "$programs" "$folder" >"$folder/python.out" \
  2>"$folder/python.err" || fail "with Redis"
expect python.out '^none lost, none twice$'
