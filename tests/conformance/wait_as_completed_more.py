# theme: wait and as_completed; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio

from twin_tools import Boom, end, flag, label, turns


async def child(name, n, how="value"):
    try:
        await turns(n)
    except asyncio.CancelledError:
        print(name, "cancelled")
        raise
    if how == "error":
        raise Boom(name)
    if how == "cancel":
        raise asyncio.CancelledError
    return name


def names(s):
    return " ".join(sorted(t.get_name() for t in s)) or "none"


async def main():
    loop = asyncio.get_running_loop()
    reports = []
    loop.set_exception_handler(lambda l, c: reports.append(label(c.get("exception"))))
    ct = lambda n, *a: asyncio.create_task(child(n, *a), name=n)
    F, E, A = asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION, asyncio.ALL_COMPLETED

    for mode in (F, E, A):
        print("-- mode", {F: "first", E: "exception", A: "all"}[mode])
        d, p = await asyncio.wait([ct("a", 2, "cancel"), ct("b", 4, "error"), ct("c", 6)], return_when=mode)
        print(names(d), "|", names(p))
        for t in p:
            t.cancel()
        await turns(8)
        d, p = await asyncio.wait([ct("a", 2, "error"), ct("b", 2, "error"), ct("c", 3)], return_when=mode)
        print(names(d), "|", names(p))
        await turns(4)
        del d, p
        t = None
        print(sorted(reports))
        reports.clear()

    print("-- done in the turn of the wake-up")
    f1, f2, f3 = (loop.create_future() for _ in range(3))

    async def waits(mode, timeout=None):
        d, p = await asyncio.wait([f1, f2, f3], return_when=mode, timeout=timeout)
        print(len(d), len(p))
        return len(d)

    w = asyncio.create_task(waits(F))
    await turns(1)
    f1.set_result(0)
    await turns(1)
    f2.set_result(0)
    await turns(1)
    print(end(w))

    print("-- the wait is cancelled as it ends")
    w = asyncio.create_task(waits(A))
    await turns(1)
    f3.set_result(0)
    await turns(1)
    w.cancel()
    await turns(2)
    print(end(w))

    print("-- a limit of zero")
    f3 = loop.create_future()
    order = []
    loop.call_soon(order.append, "soon")
    n = await waits(A, 0)
    print(n, order)
    n = await waits(A, -1)
    f3.set_result(0)
    n = await waits(A, 0)

    print("-- turns of a wait for what is done")
    w = asyncio.create_task(waits(A))
    for i in range(4):
        print(i, flag(w.done()))
        await turns(1)

    print("-- duplicates")
    a = ct("a", 1)
    d, p = await asyncio.wait([a, a, a])
    print(len(d), len(p))

    print("-- as_completed in several tasks")

    async def takes(name, aw):
        try:
            r = await aw
            print(name, "got", r)
        except TimeoutError:
            print(name, "timeout")
        except asyncio.CancelledError:
            print(name, "cancelled")

    fs = [loop.create_future() for _ in range(3)]
    it = list(asyncio.as_completed(fs))
    t1 = asyncio.create_task(takes("t1", it[0]))
    t2 = asyncio.create_task(takes("t2", it[1]))
    t3 = asyncio.create_task(takes("t3", it[2]))
    await turns(1)
    fs[2].set_result(2)
    await turns(1)
    t1.cancel()  # it was woken already
    await turns(3)
    fs[0].set_result(0)
    await turns(3)
    fs[1].set_result(1)
    await turns(3)
    print(flag(t1.done(), t2.done(), t3.done()))

    print("-- stolen")
    fs = [loop.create_future() for _ in range(2)]
    it = list(asyncio.as_completed(fs))
    t1 = asyncio.create_task(takes("t1", it[0]))
    await turns(1)

    async def thief():
        await turns(1)
        await takes("thief", it[1])

    t2 = asyncio.create_task(thief())
    fs[0].set_result(0)
    await turns(3)
    print(flag(t1.done(), t2.done()))
    fs[1].set_result(1)
    await turns(3)
    print(flag(t1.done(), t2.done()))

    print("-- errors and cancelled ones in the order of their ends")
    for c in asyncio.as_completed([ct("x", 3, "error")]):
        try:
            await c
        except Exception as e:
            print(label(e))
    ts = [ct("p", 5), ct("q", 2, "error"), ct("r", 3, "cancel")]
    for c in asyncio.as_completed(ts):
        try:
            r = await c
            print("got", r)
        except asyncio.CancelledError:
            print("cancelled")
        except Exception as e:
            print(label(e))
    seen = []
    async for t in asyncio.as_completed([ts[0], ts[1], ts[2], ts[1]]):
        seen.append(t.get_name())
    print(len(seen))

    print("-- a limit that is over while some are done")
    fs = [loop.create_future() for _ in range(4)]
    fs[1].set_result(1)
    loop.call_later(0.01, fs[2].set_result, 2)
    loop.call_later(0.3, fs[0].set_result, 0)
    for c in asyncio.as_completed(fs, timeout=0.1):
        try:
            r = await c
            print("got", r)
        except TimeoutError:
            print("timeout")
    print(flag(*[f.done() for f in fs]))

    print("-- asked again after the limit")
    it = asyncio.as_completed([fs[3], fs[1]], timeout=0.02)
    await asyncio.sleep(0.1)
    for i in range(3):
        try:
            f = await it.__anext__()
            print("got", f.result())
        except TimeoutError:
            print("timeout")
        except StopAsyncIteration:
            print("end")

    print("-- next is cancelled, nothing is lost")
    fs = [loop.create_future() for _ in range(2)]
    it = asyncio.as_completed(fs)
    a = asyncio.create_task(takes("a", it.__anext__()))
    await turns(1)
    a.cancel()
    await turns(1)
    fs[1].set_result(7)
    f = await it.__anext__()
    print(f.result())


asyncio.run(main())
