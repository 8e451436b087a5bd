# theme: StreamReader: errors and ends that race with data, cancelled reads, separators, limits; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio

from twin_tools import Boom, end, flag, label, text, turns


async def guarded(name, aw):
    try:
        print(name, text(await aw))
    except asyncio.CancelledError:
        print(name, "cancelled")
    except Exception as e:
        print(name, label(e))


async def main():
    SR = lambda limit=64: asyncio.StreamReader(limit=limit)
    go = lambda name, aw: asyncio.create_task(guarded(name, aw))

    print("-- data, then an error, in one turn")
    for what in (lambda r: r.readline(), lambda r: r.read(10), lambda r: r.readexactly(3), lambda r: r.readuntil(b"\n")):
        r = SR()
        t = go("first", what(r))
        await turns(1)
        r.feed_data(b"abc\n")
        r.set_exception(Boom())
        await turns(2)
        await guarded("then", r.read(10))
        print(label(r.exception()))

    print("-- an error, then data")
    r = SR()
    t = go("first", r.readline())
    await turns(1)
    r.set_exception(Boom())
    r.feed_data(b"abc\n")
    await turns(2)

    print("-- data was there before the error")
    r = SR()
    r.feed_data(b"abc\n")
    r.set_exception(Boom())
    await guarded("readline", r.readline())
    await guarded("read 0", r.read(0))
    await guarded("readexactly 0", r.readexactly(0))

    print("-- the end, then an error")
    r = SR()
    t = go("first", r.readline())
    await turns(1)
    r.feed_data(b"rest")
    r.feed_eof()
    r.set_exception(Boom())
    await turns(2)

    print("-- cancelled as the data comes")
    for n in (0, 1):
        r = SR()
        t = go("first", r.readline())
        await turns(1)
        r.feed_data(b"one\ntwo\n")
        await turns(n)
        t.cancel()
        await turns(2)
        await guarded("second", r.readline())
        r.feed_eof()
        await guarded("third", r.readline())

    print("-- two readers")
    r = SR()
    t = go("first", r.readexactly(4))
    await turns(1)
    await guarded("second", r.read(1))
    await guarded("second", r.readline())
    r.feed_data(b"abcd")
    await turns(2)
    t = go("first", r.read(4))
    await turns(1)
    t.cancel()
    await turns(1)
    r.feed_data(b"x\n")
    await guarded("second", r.readline())

    print("-- separators")
    r = SR()
    r.feed_data(b"a--b-c\r\nd\ne|f|")
    await guarded("1", r.readuntil(b"--"))
    await guarded("2", r.readuntil((b"\r\n", b"\n")))
    await guarded("3", r.readuntil((b"\n", b"\r\n")))
    await guarded("4", r.readuntil((b"|f", b"|")))
    t = go("5", r.readuntil((b"|end|", b"END")))
    await turns(1)
    r.feed_data(b"en")
    await turns(1)
    r.feed_data(b"d|EN")
    await turns(2)
    t = go("6", r.readuntil((b"|end|", b"ENDE")))
    await turns(1)
    r.feed_data(b"D")
    await turns(1)
    r.feed_data(b"E!")
    await turns(2)
    r.feed_eof()
    await guarded("7", r.readuntil((b"x", b"yy")))
    for sep in (b"", (), (b"", b"a")):
        r = SR()
        await guarded("bad", r.readuntil(sep))

    print("-- limits")
    r = SR(4)
    r.feed_data(b"abcd\nabcde\nabcdefgh")
    await guarded("1", r.readline())
    await guarded("2", r.readuntil(b"\n"))
    await guarded("2", r.readuntil(b"de\n"))
    await guarded("3", r.readline())
    r.feed_data(b"x")
    t = go("6", r.readline())
    await turns(1)
    r.feed_data(b"yzw")
    await turns(1)
    r.feed_data(b"\nnext\n")
    await turns(2)
    t = go("7", r.readuntil(b"ab"))
    await turns(1)
    r.feed_data(b"12345")
    await turns(2)
    await guarded("8", r.readexactly(5))
    t = go("9", r.readline())
    await turns(1)
    r.feed_data(b"123456")
    await turns(2)
    r.feed_data(b"7\n")
    await guarded("10", r.readline())
    r.feed_data(b"abcdef")
    r.feed_eof()
    await guarded("11", r.readline())
    await guarded("12", r.readline())
    for bad in (0, -1):
        try:
            SR(bad)
        except ValueError as e:
            print(label(e))

    print("-- to the end")
    r = SR(4)
    t = go("all", r.read())
    for part in (b"abc", b"", b"defghijk"):
        await turns(1)
        r.feed_data(part)
        print(flag(t.done()))
    r.feed_eof()
    await turns(4)
    await guarded("again", r.read())
    print(flag(r.at_eof()))
    r = SR()
    r.feed_data(b"a")
    r.feed_eof()
    print(flag(r.at_eof()))
    await guarded("a", r.read(5))
    print(flag(r.at_eof()))
    await guarded("exactly", r.readexactly(1))
    r.feed_eof()
    print(flag(r.at_eof()))

    print("-- a limit on a read")
    r = SR()
    try:
        await asyncio.wait_for(r.readexactly(5), 0.01)
    except TimeoutError:
        print("timeout")
    r.feed_data(b"12345")
    await guarded("now", r.readexactly(5))


asyncio.run(main())
