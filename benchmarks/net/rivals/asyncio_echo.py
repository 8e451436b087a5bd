# aio: asyncio for C++20 on Boost.Asio.
# SPDX-License-Identifier: BSL-1.0

"""asyncio, by itself or on uvloop, with streams or with a protocol:

    asyncio_echo.py asyncio|uvloop streams|protocol [HOST [PORT]]
"""

import asyncio
import sys


async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def serve(style, host, port):
    if style == "streams":
        server = await asyncio.start_server(echo, host, port, backlog=4096)
    else:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, host, port, backlog=4096)
    address = server.sockets[0].getsockname()
    print(f"listening on {address[0]}:{address[1]}", flush=True)
    await server.serve_forever()


def main():
    which, style, host, port = (sys.argv[1:] + ["127.0.0.1", "0"])[:4]
    if which == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(serve(style, host, int(port)))


main()
