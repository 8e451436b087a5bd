# theme: gather: cancelled, duplicated, nested, lost errors; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio

from twin_tools import Boom, end, flag, label, turns


async def child(name, n, how="value"):
    try:
        await turns(n)
    except asyncio.CancelledError as e:
        print(name, "cancelled", e.args[0] if e.args else "none")
        if how == "swallow":
            return 99
        if how == "convert":
            raise Boom("converted")
        if how == "slow":
            await turns(3)
            print(name, "cleaned up")
        raise
    if how == "error":
        raise Boom(name)
    if how == "raise_cancelled":
        raise asyncio.CancelledError("own")
    return n


async def waiter(aw):
    try:
        r = await aw
        print("waiter got", [label(x) if isinstance(x, BaseException) else x for x in r])
    except asyncio.CancelledError as e:
        print("waiter cancelled", e.args[0] if e.args else "none")
        raise
    except Exception as e:
        print("waiter", label(e))
        raise


def gend(g):
    return "pending" if not g.done() else "cancelled" if g.cancelled() else label(g.exception())


async def main():
    loop = asyncio.get_running_loop()
    reports = []
    loop.set_exception_handler(lambda l, c: reports.append(label(c.get("exception"))))
    ct = lambda *a: asyncio.create_task(child(*a))

    for ret in (False, True):
        print("-- gather of gathers cancelled", int(ret))
        a, b, c = ct("a", 9), ct("b", 9, "slow"), ct("c", 9, "swallow")
        inner1 = asyncio.gather(a, b, return_exceptions=ret)
        inner2 = asyncio.gather(c, return_exceptions=ret)
        outer = asyncio.gather(inner1, inner2, return_exceptions=ret)
        w = asyncio.create_task(waiter(outer))
        await turns(2)
        w.cancel("stop")
        for i in range(8):
            print(i, flag(a.done(), b.done(), c.done(), inner1.done(), inner2.done(), outer.done(), w.done()))
            await turns(1)
        print(gend(inner1), gend(inner2), gend(outer), end(w), w.cancelling())

    print("-- all swallow")
    a, b = ct("a", 9, "swallow"), ct("b", 9, "swallow")
    g = asyncio.gather(a, b)
    w = asyncio.create_task(waiter(g))
    await turns(2)
    w.cancel()
    await turns(5)
    print(gend(g), end(w), end(a), end(b))

    print("-- one swallows, one is done")
    a, b = ct("a", 9, "swallow"), ct("b", 0)
    g = asyncio.gather(a, b)
    w = asyncio.create_task(waiter(g))
    await turns(3)
    print(flag(g.cancel("direct"), g.cancel("again"), g.cancelled()), a.cancelling())
    await turns(5)
    print(gend(g), end(w), g.cancel())

    print("-- duplicates")
    a, b = ct("a", 3), ct("b", 2)
    r = await asyncio.gather(a, b, a, a)
    print(r)
    a = ct("a", 9)
    g = asyncio.gather(a, a, return_exceptions=True)
    await turns(2)
    g.cancel("twice")
    print(a.cancelling())
    await turns(3)
    print(gend(g), end(a))

    print("-- duplicates with an error")
    a = ct("a", 1, "error")
    r = await asyncio.gather(a, a, return_exceptions=True)
    print([label(x) for x in r], flag(r[0] is r[1]))

    print("-- everything done, callback pending")
    f = loop.create_future()
    g = asyncio.gather(f)
    w = asyncio.create_task(waiter(g))
    await turns(1)
    f.set_result(1)
    print(flag(g.cancel()), flag(w.cancel("late")))
    await turns(4)
    print(gend(g), end(w))

    print("-- child cancelled by others")
    a, b = ct("a", 9), ct("b", 4)
    g = asyncio.gather(a, b)
    w = asyncio.create_task(waiter(g))
    await turns(2)
    a.cancel("foreign")
    await turns(4)
    print(gend(g), end(w), end(b))

    print("-- child raises cancelled")
    for ret in (False, True):
        a, b = ct("a", 1, "raise_cancelled"), ct("b", 3)
        w = asyncio.create_task(waiter(asyncio.gather(a, b, return_exceptions=ret)))
        await turns(8)
        print(end(w), end(a), end(b))

    print("-- first error, then the waiter is cancelled in the same turn")
    f = loop.create_future()
    g = asyncio.gather(f, return_exceptions=False)
    w = asyncio.create_task(waiter(g))
    await turns(1)
    f.set_exception(Boom("first"))
    await turns(1)
    print(flag(g.done(), w.done()))
    w.cancel("late")
    await turns(3)
    print(end(w))
    del g, f, w
    await turns(1)
    print(reports)
    reports.clear()

    print("-- errors after the first are silent")
    a, b, c = ct("a", 1, "error"), ct("b", 2, "error"), ct("c", 3)
    g = asyncio.gather(a, b, c)
    w = asyncio.create_task(waiter(g))
    await turns(8)
    print(end(w), end(c))
    del a, b, c, g, w
    await turns(1)
    print(reports)
    reports.clear()

    print("-- errors of a cancelled gather that returns exceptions")
    a, b = ct("a", 9, "convert"), ct("b", 9)
    g = asyncio.gather(a, b, return_exceptions=True)
    w = asyncio.create_task(waiter(g))
    await turns(2)
    w.cancel()
    await turns(4)
    print(end(w), gend(g))
    del a, b, g, w
    await turns(1)
    print(reports)
    reports.clear()

    print("-- a gather nobody waits for")
    a = ct("a", 1, "error")
    g = asyncio.gather(a)
    await turns(4)
    print(flag(g.done(), g.cancel()))
    del a, g
    await turns(1)
    print(reports)
    reports.clear()

    print("-- turns")
    f1, f2 = loop.create_future(), loop.create_future()
    g = asyncio.gather(asyncio.gather(f1), f2)
    f1.add_done_callback(lambda _: print("f1"))
    f2.add_done_callback(lambda _: print("f2"))
    g.add_done_callback(lambda _: print("g"))
    f2.set_result(0)
    await turns(1)
    f1.set_result(0)
    for i in range(4):
        print(i, flag(g.done()))
        await turns(1)

    print("-- all done before")
    g = asyncio.gather(f1, f2, f1)
    print(flag(g.done()), g.result())
    x = loop.create_future()
    x.cancel("x")
    g = asyncio.gather(x, f1)
    print(flag(g.done(), g.cancelled()), gend(g))
    g = asyncio.gather(x, f1, return_exceptions=True)
    print(flag(g.done(), g.cancelled()), label(g.result()[0]))
    g = asyncio.gather()
    print(flag(g.done()), g.result())


asyncio.run(main())
