# aio: asyncio for C++20 on Boost.Asio.
# SPDX-License-Identifier: BSL-1.0

"""asyncio, by itself or on uvloop:

    asyncio_echo.py asyncio|uvloop streams|protocol|lines [HOST [PORT]]
    asyncio_echo.py asyncio|uvloop tls HOST PORT CERTIFICATE KEY
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


async def answer(reader, writer):
    try:
        while line := await reader.readline():
            writer.write(line)
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


def secure(certificate, key):
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def serve(style, host, port, *files):
    options = {"backlog": 4096}
    if files:
        options["ssl"] = secure(*files)
    if style == "protocol":
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, host, port, **options)
    else:
        handler = answer if style == "lines" else echo
        server = await asyncio.start_server(handler, host, port, **options)
    address = server.sockets[0].getsockname()
    print(f"listening on {address[0]}:{address[1]}", flush=True)
    await server.serve_forever()


def main():
    which, style, *rest = sys.argv[1:]
    host, port, *files = rest + ["127.0.0.1", "0"][len(rest) :]
    if which == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(serve(style, host, int(port), *files))


main()
