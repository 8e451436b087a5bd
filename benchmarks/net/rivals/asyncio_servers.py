# aio: asyncio for C++20 on Boost.Asio.
# SPDX-License-Identifier: BSL-1.0

"""asyncio, by itself or on uvloop:

    asyncio_servers.py asyncio|uvloop STYLE [HOST [PORT]]
    asyncio_servers.py asyncio|uvloop tls-streams|tls-protocol HOST PORT CERTIFICATE KEY
    asyncio_servers.py asyncio|uvloop proxy-streams|proxy-protocol HOST PORT
                       TARGET_HOST TARGET_PORT

STYLE is one of echo-streams, echo-protocol, lines-streams, lines-protocol and udp.
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


class LineEcho(Echo):
    """The answers of one receive leave together."""

    begun = b""

    def data_received(self, data):
        *lines, self.begun = (self.begun + data).split(b"\n")
        self.transport.write(b"".join([line + b"\n" for line in lines]))


class DatagramEcho(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def pass_on(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


# asyncio itself does not hold on to a task whose streams have ended in one direction.
joined = set()


def stream_proxy(host, port):
    async def join(reader, writer):
        joined.add(asyncio.current_task())
        try:
            up_reader, up_writer = await asyncio.open_connection(host, int(port))
            await asyncio.gather(pass_on(reader, up_writer), pass_on(up_reader, writer))
            up_writer.close()
        except OSError:
            pass
        writer.close()
        joined.remove(asyncio.current_task())

    return join


class Side(asyncio.Protocol):
    """What comes from here is written to the other side, which stops it when it must."""

    other = None
    early = b""  # it came before the other side was there
    has_ended = False

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if self.other:
            self.other.transport.write(data)
        else:
            self.early += data
            self.transport.pause_reading()

    def eof_received(self):
        self.has_ended = True
        if not self.other:
            return True
        self.other.transport.write_eof()
        return not self.other.has_ended

    def pause_writing(self):
        self.other.transport.pause_reading()

    def resume_writing(self):
        self.other.transport.resume_reading()

    def connection_lost(self, error):
        if self.other:
            self.other.transport.close()


def protocol_proxy(host, port):
    class Client(Side):
        def connection_made(self, transport):
            super().connection_made(transport)
            self.connecting = asyncio.create_task(self.connect())

        async def connect(self):
            loop = asyncio.get_running_loop()
            try:
                _, other = await loop.create_connection(Side, host, int(port))
            except OSError:
                return self.transport.close()
            self.other, other.other = other, self
            other.transport.write(self.early)
            if self.has_ended:
                other.transport.write_eof()
            if self.transport.is_closing():
                other.transport.close()
            else:
                self.transport.resume_reading()

    return Client


def secure(certificate, key):
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def announce(socket):
    host, port = socket.getsockname()
    print(f"listening on {host}:{port}", flush=True)


async def serve(handler, host, port, **options):
    """A handler that is a class is a protocol, otherwise it gets streams."""
    if isinstance(handler, type):
        loop = asyncio.get_running_loop()
        server = await loop.create_server(handler, host, port, **options)
    else:
        server = await asyncio.start_server(handler, host, port, **options)
    announce(server.sockets[0])
    await server.serve_forever()


async def serve_datagrams(host, port):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(DatagramEcho, (host, port))
    announce(transport.get_extra_info("socket"))
    await loop.create_future()


HANDLERS = {
    "echo-streams": echo,
    "echo-protocol": Echo,
    "lines-streams": answer,
    "lines-protocol": LineEcho,
    "tls-streams": echo,
    "tls-protocol": Echo,
}
PROXIES = {"proxy-streams": stream_proxy, "proxy-protocol": protocol_proxy}


async def run(style, host="127.0.0.1", port="0", *rest):
    if style == "udp":
        return await serve_datagrams(host, int(port))
    options = {"backlog": 4096}
    if style.startswith("tls"):
        options["ssl"] = secure(*rest)
    if style in PROXIES:
        handler = PROXIES[style](*rest)
    else:
        handler = HANDLERS[style]
    await serve(handler, host, int(port), **options)


def main():
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(run(*sys.argv[2:]))


main()
