# SPDX-License-Identifier: BSL-1.0

"""http_aiohttp.py PORT: the application of aiohttp that says hello."""

import sys

from aiohttp import web


async def hello(request):
    return web.Response(text="Hello, World!")


app = web.Application()
app.router.add_get("/", hello)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
