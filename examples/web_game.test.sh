# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

# shellcheck disable=SC2154  # the variables are those of test.sh
$limited "$programs/web_game" 127.0.0.1 0 >"$folder/server.out" \
  2>"$folder/server.err" &
server=$!
running="$running $server"
eventually server.out '^======== Running on http://127\.0\.0\.1:[1-9][0-9]* ========$'
python=
for one in python3 /usr/bin/python3; do
  if [ -z "$python" ] && "$one" -c 'import aiohttp' 2>/dev/null; then python=$one; fi
done
port=$(sed -n 's/^=.*:\([0-9]*\) =.*/\1/p' "$folder/server.out")
udp=$(sed -n 's/^Players on UDP .*://p' "$folder/server.out")

# A player in a terminal, and one in a browser, see each other.
mkfifo "$folder/anna"
$limited "$programs/position_client" anna 127.0.0.1 "$udp" <"$folder/anna" \
  >"$folder/anna.out" 2>&1 &
anna=$!
running="$running $anna"
exec 3>"$folder/anna"
echo d >&3

if [ -n "$python" ]; then
  $limited "$python" - "$port" <<'END' >"$folder/python.out" 2>"$folder/python.err" || fail "aiohttp"
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"ws://127.0.0.1:{sys.argv[1]}/ws?name=py") as ws:
            await ws.send_str("3 4")
            while True:
                lines = (await ws.receive_str(timeout=10)).split("\n")
                if "anna 21 6" in lines and "py 3 4" in lines:
                    break
    print("both were seen")
asyncio.run(main())
END
  expect python.out '^both were seen$'
  eventually anna.out '^py 3 4$'
else
  echo "not tested with aiohttp: it is not installed"
fi

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || :)
if [ -n "$browser" ]; then
  # It joins once it was told of the others.
  "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
    --user-data-dir="$folder/chromium" "http://127.0.0.1:$port/?name=window" \
    >"$folder/browser.out" 2>/dev/null &
  window=$!
  running="$running $window"
  eventually anna.out '^window 10 6$'
  kill "$window"
  wait "$window" || :
else
  echo "not tested with a browser: there is no Chromium"
fi

exec 3>&-
wait "$anna" || fail "a client failed at the end of its input"
stop_server INT
