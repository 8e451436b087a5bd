# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

for tool in python3 chromium chromedriver; do
  if ! command -v "$tool" >/dev/null; then
    echo "not tested with a browser: there is no $tool"
    exit 0
  fi
done

# shellcheck disable=SC2154  # the variables are those of test.sh
$limited python3 "$here/chat/page.test.py" "$programs" "$folder" >"$folder/python.out" \
  2>"$folder/python.err" || fail "in Chromium"
expect python.out '^the page is as it should be$'
