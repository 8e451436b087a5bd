# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=sh

here=$(dirname "$0")
# shellcheck source=support/test.sh
. "$here/support/test.sh"

# shellcheck disable=SC2154  # the variables are those of test.sh
$limited "$programs/web_chat" 127.0.0.1 0 >"$folder/server.out" \
  2>"$folder/server.err" &
server=$!
running="$running $server"
eventually server.out '^======== Running on http://127\.0\.0\.1:[1-9][0-9]* ========$'
python=
for one in python3 /usr/bin/python3; do
  if [ -z "$python" ] && "$one" -c 'import aiohttp' 2>/dev/null; then python=$one; fi
done
port=$(sed -n 's/^=.*:\([0-9]*\) =.*/\1/p' "$folder/server.out")

# Two of aiohttp: messages large and small, pings, the limit, the close.
if [ -n "$python" ]; then
  $limited "$python" - "$port" <<'END' >"$folder/python.out" 2>"$folder/python.err" || fail "aiohttp"
import asyncio, sys, aiohttp
url = f"ws://127.0.0.1:{sys.argv[1]}/ws"

async def expect(ws, *texts):
    for text in texts:
        seen = await ws.receive_str(timeout=10)
        assert seen == text, (seen, text)

async def main():
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url + "?name=anna") as anna:
            await expect(anna, "anna is here")
            bert = await session.ws_connect(url + "?name=bert", autoping=False)
            await expect(anna, "bert is here")
            await expect(bert, "bert is here")
            long = "ä€🍋" * 400
            await anna.send_str(long)
            for one in (anna, bert):
                await expect(one, "anna: " + long)
            await bert.ping(b"are you there?")
            pong = await bert.receive(timeout=10)
            assert pong.type == aiohttp.WSMsgType.PONG, pong
            assert pong.data == b"are you there?", pong
            await bert.close()
            assert bert.close_code == 1000, bert.close_code
            await expect(anna, "bert has left")
            await anna.send_str("x" * 5000)
            last = await anna.receive(timeout=10)
            assert last.type == aiohttp.WSMsgType.CLOSE and last.data == 1009, last
        try:
            await session.ws_connect(url, headers={"Sec-WebSocket-Version": "8"})
        except aiohttp.WSServerHandshakeError as error:
            assert error.status == 426, error.status
        else:
            raise AssertionError("version 8 was taken")
    print("aiohttp is content")

asyncio.run(main())
END
  expect python.out '^aiohttp is content$'
else
  echo "not tested with aiohttp: it is not installed"
fi

# Node's own client, and that of the package ws.
cat >"$folder/client.js" <<'END'
const Client = process.argv[3] === "ws" ? require("ws") : globalThis.WebSocket;
const ws = new Client(`ws://127.0.0.1:${process.argv[2]}/ws?name=node`);
const seen = [];
ws.onopen = () => ws.send("hello ".repeat(100) + "\u20ac");
ws.onmessage = (event) => {
  seen.push(event.data);
  if (seen.length === 2) ws.close(4000, "enough");
};
ws.onclose = (event) => {
  console.log(`${seen.length} ${seen[1].length} ${event.code} ${event.wasClean}`);
};
END
if command -v node >/dev/null; then
  flag=
  if node --experimental-websocket -e 0 2>/dev/null; then flag=--experimental-websocket; fi
  # Where Debian has the packages, and npm those that are installed for all.
  NODE_PATH=/usr/share/nodejs:$(npm root -g 2>/dev/null || :)
  export NODE_PATH
  for client in node ws; do
    if [ "$client" = ws ]; then
      has='require("ws")'
    else
      has='if (!globalThis.WebSocket) throw 0'
    fi
    if node $flag -e "$has" 2>/dev/null; then
      # shellcheck disable=SC2086  # no flag is no word
      $limited node $flag "$folder/client.js" "$port" "$client" >"$folder/$client.out" \
        2>"$folder/$client.err" || fail "$client"
      expect "$client.out" '^2 607 4000 true$'
    else
      echo "not tested with the WebSocket of $client: it is not installed"
    fi
  done
fi

# One who listens hears the browser, which speaks once it has heard something itself; and
# is told when the server ends.
if [ -n "$python" ]; then
  $limited "$python" - "$port" <<'END' >"$folder/listener.out" 2>"$folder/listener.err" &
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        ws = await session.ws_connect(f"ws://127.0.0.1:{sys.argv[1]}/ws")
        async for message in ws:
            print(message.data, flush=True)
        print("closed with", ws.close_code, flush=True)
asyncio.run(main())
END
  running="$running $!"
  eventually listener.out '^somebody is here$'
  browser=$(command -v chromium || command -v chromium-browser ||
    command -v google-chrome || :)
  if [ -n "$browser" ]; then
    "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
      --user-data-dir="$folder/chromium" \
      "http://127.0.0.1:$port/?name=browser&say=hello%20all" \
      >"$folder/browser.out" 2>/dev/null &
    window=$!
    running="$running $window"
    eventually listener.out '^browser is here$'
    eventually listener.out '^browser: hello all$'
    kill "$window"
    wait "$window" || :
    eventually listener.out '^browser has left$'
  else
    echo "not tested with a browser: there is no Chromium"
  fi
  stop_server INT
  eventually listener.out '^closed with 1001$'
else
  stop_server INT
fi
