# theme: shields; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio

from twin_tools import Boom, end, flag, label, turns


def msg(e):
    return e.args[0] if e.args else "none"


async def guarded(name, aw):
    try:
        r = await aw
        print(name, "got", r)
        return r
    except asyncio.CancelledError as e:
        print(name, "cancelled", msg(e))
        raise
    except Exception as e:
        print(name, label(e))
        raise


async def child(n, error=None):
    try:
        await turns(n)
    except asyncio.CancelledError as e:
        print("child cancelled", msg(e))
        raise
    if error:
        raise error
    return n


async def main():
    loop = asyncio.get_running_loop()
    reports = []
    loop.set_exception_handler(lambda l, c: reports.append(label(c.get("exception"))))

    print("-- inner cancelled with a message")
    f = loop.create_future()
    t = asyncio.create_task(guarded("g", asyncio.shield(f)))
    await turns(1)
    f.cancel("inner")
    await turns(3)
    print(end(t))

    print("-- the waiter cancelled with a message")
    f = loop.create_future()
    t = asyncio.create_task(guarded("g", asyncio.shield(f)))
    await turns(1)
    t.cancel("outer")
    await turns(3)
    print(end(t), f.done())

    print("-- outer and inner cancelled in one turn")
    f = loop.create_future()
    s = asyncio.shield(f)
    t = asyncio.create_task(guarded("g", s))
    await turns(1)
    f.cancel("inner")
    t.cancel("outer")
    await turns(3)
    print(end(t), end(s), t.cancelling())

    print("-- result and cancel in one turn")
    f = loop.create_future()
    s = asyncio.shield(f)
    t = asyncio.create_task(guarded("g", s))
    await turns(1)
    f.set_result(5)
    t.cancel("outer")
    print(flag(s.done(), s.cancelled()))
    await turns(3)
    print(end(t), end(s), end(f))

    print("-- result, a turn, cancel")
    f = loop.create_future()
    s = asyncio.shield(f)
    t = asyncio.create_task(guarded("g", s))
    await turns(1)
    f.set_result(5)
    await turns(1)
    print(flag(s.done()))
    t.cancel("outer")
    await turns(3)
    print(end(t), end(s), end(f))

    print("-- error after the outer was cancelled")
    f = loop.create_future()
    s = asyncio.shield(f)
    s.cancel()
    await turns(1)
    f.set_exception(Boom())
    await turns(2)
    del f
    await turns(1)
    print(reports)
    reports.clear()

    print("-- error in the turn in which the outer was cancelled")
    f = loop.create_future()
    s = asyncio.shield(f)
    s.cancel()
    f.set_exception(Boom())
    await turns(2)
    del f
    await turns(1)
    print(reports)
    reports.clear()

    print("-- nobody takes the error of the shield")
    f = loop.create_future()
    s = asyncio.shield(f)
    f.set_exception(Boom())
    await turns(2)
    del f
    await turns(1)
    print(reports)
    del s
    await turns(1)
    print(reports)
    reports.clear()

    print("-- shield of a shield")
    f = loop.create_future()
    s1 = asyncio.shield(f)
    s2 = asyncio.shield(s1)
    s2.cancel()
    await turns(2)
    print(end(s2), end(s1), end(f))
    s3 = asyncio.shield(s1)
    s1.cancel("middle")
    await turns(3)
    print(end(s3), end(s1), end(f))

    print("-- turns")
    f = loop.create_future()
    s = asyncio.shield(asyncio.shield(f))
    t = asyncio.create_task(guarded("g", s))
    await turns(1)
    f.set_result(3)
    for i in range(5):
        print(i, flag(s.done(), t.done()))
        await turns(1)

    print("-- done inner is returned itself")
    print(flag(asyncio.shield(f) is f))

    print("-- shield in wait_for")
    c = asyncio.create_task(child(3))
    try:
        await asyncio.wait_for(asyncio.shield(c), 0)
    except TimeoutError as e:
        print(label(e))
    print(end(c))
    print(await c)

    print("-- gather of shields cancelled")
    a, b = asyncio.create_task(child(4)), asyncio.create_task(child(5))
    g = asyncio.gather(asyncio.shield(a), asyncio.shield(b))
    t = asyncio.create_task(guarded("g", g))
    await turns(1)
    t.cancel("all")
    await turns(3)
    print(end(t), end(a), end(b))
    await turns(4)
    print(end(a), end(b))

    print("-- shield of a gather cancelled")
    a, b = asyncio.create_task(child(4)), asyncio.create_task(child(5, Boom("late")))
    g = asyncio.gather(a, b)
    t = asyncio.create_task(guarded("g", asyncio.shield(g)))
    await turns(1)
    t.cancel("all")
    await turns(6)
    print(end(t), end(a), end(b), end(g))

    print("-- cancel caught, awaited again")

    async def stubborn(f):
        s = asyncio.shield(f)
        for i in range(3):
            try:
                return await s
            except asyncio.CancelledError as e:
                print("again", i, flag(s.cancelled()), msg(e))
                if s.cancelled():
                    s = asyncio.shield(f)

    f = loop.create_future()
    t = asyncio.create_task(stubborn(f))
    for i in range(2):
        await turns(1)
        t.cancel(f"no {i}")
    await turns(1)
    f.set_result("in the end")
    await turns(3)
    print(end(t), t.cancelling())


asyncio.run(main())
