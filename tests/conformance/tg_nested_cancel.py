# theme: task groups: nested, cancelled from outside, errors in the same turn, eager children; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio

from twin_tools import Boom, end, label, turns


async def child(name, n, how="value", cleanup=0):
    try:
        await turns(n)
    except asyncio.CancelledError as e:
        print(name, "cancelled", e.args[0] if e.args else "none")
        await turns(cleanup)
        if how == "late":
            raise Boom(name + " late")
        if how == "swallow":
            return 1
        raise
    if how == "error":
        raise Boom(name)
    if how == "cancelled":
        raise asyncio.CancelledError


async def outcome(name, coro_fn, *args):
    t = asyncio.current_task()
    try:
        await coro_fn(*args)
        r = "ok"
    except asyncio.CancelledError as e:
        r = "cancelled " + (e.args[0] if e.args else "none")
    except BaseException as e:
        r = label(e)
    print(name, "->", r, "count", t.cancelling())
    try:
        await turns(1)
        print(name, "goes on")
    except asyncio.CancelledError as e:
        print(name, "next await cancelled", e.args[0] if e.args else "none")
    while t.cancelling():
        t.uncancel()


async def simple(specs, body=0, body_error=None, then=None):
    async with asyncio.TaskGroup() as tg:
        for s in specs:
            tg.create_task(child(*s))
        try:
            await turns(body)
        except asyncio.CancelledError as e:
            print("body cancelled", e.args[0] if e.args else "none")
            if then == "swallow":
                return
            if then == "convert":
                raise Boom("body")
            raise
        if body_error:
            raise body_error


async def nested(inner_specs, outer_specs, inner_body=9, outer_body=9):
    async with asyncio.TaskGroup() as o:
        for s in outer_specs:
            o.create_task(child(*s))
        try:
            async with asyncio.TaskGroup() as i:
                for s in inner_specs:
                    i.create_task(child(*s))
                await turns(inner_body)
        except BaseException as e:
            print("inner", label(e), asyncio.current_task().cancelling())
            raise
        await turns(outer_body)


async def run(name, cancels, fn, *args):
    print("--", name)
    t = asyncio.create_task(outcome(name, fn, *args))
    for n, msg in cancels:
        await turns(n)
        t.cancel(msg)
    await t


async def main():
    await run("ok", [], simple, [("a", 1), ("b", 2)], 0)
    await run("error in body wait", [], simple, [("a", 1, "error"), ("b", 9)], 20)
    await run("error at the end", [], simple, [("a", 3, "error"), ("b", 9)], 0)
    await run("two errors, one turn", [], simple, [("a", 2, "error"), ("b", 2, "error"), ("c", 9)], 20)
    await run("last child fails at the end", [], simple, [("a", 3, "error")], 0)
    await run("body swallows", [], simple, [("a", 1, "error")], 20, None, "swallow")
    await run("body converts", [], simple, [("a", 1, "error"), ("b", 9, "late")], 20, None, "convert")
    await run("body error", [], simple, [("a", 9), ("b", 9, "late", 2)], 2, Boom("body"))
    await run("body raises cancelled", [], simple, [("a", 9), ("b", 9, "swallow", 2)], 2, asyncio.CancelledError("own"))
    await run("child cancels itself", [], simple, [("a", 1, "cancelled"), ("b", 3)], 2)
    for n in range(1, 7):
        await run(f"outside cancel at {n}, child fails at 2", [(n, "out")], simple, [("a", 2, "error"), ("b", 20, "value", 2)], 20)
        await run(f"outside cancel at {n}, child fails at 2, at the end", [(n, "out")], simple, [("a", 2, "error"), ("b", 20, "value", 2)], 0)
    await run("cancelled twice", [(3, "one"), (1, "two")], simple, [("b", 20, "value", 3)], 20)
    await run("cancelled twice in a turn", [(3, "one"), (0, "two")], simple, [("b", 20, "value", 3)], 0)
    await run("cancelled, late error", [(3, "one"), (1, "two")], simple, [("b", 20, "late", 3)], 0)
    await run("cancelled, body swallows", [(3, "one")], simple, [("b", 5, "value")], 20, None, "swallow")
    await run("nested inner fails", [], nested, [("a", 2, "error")], [("b", 20)])
    await run("nested outer fails", [], nested, [("a", 20, "value", 2)], [("b", 2, "error")])
    await run("nested both fail", [], nested, [("a", 2, "error")], [("b", 2, "error")])
    await run("nested both fail, outer first", [], nested, [("a", 3, "error"), ("a2", 20, "value", 3)], [("b", 2, "error")])
    await run("nested inner first", [], nested, [("a", 2, "error"), ("a2", 20, "value", 3)], [("b", 4, "error")])
    for n in range(1, 8):
        await run(f"nested, cancel at {n}", [(n, "out")], nested, [("a", 3, "error"), ("a2", 20, "value", 2)], [("b", 20, "late", 1)])

    print("-- misuse")
    tg = asyncio.TaskGroup()
    try:
        tg.create_task(turns(1))
    except RuntimeError as e:
        print("before:", label(e))
    async with tg:
        pass
    try:
        tg.create_task(turns(1))
    except RuntimeError as e:
        print("after:", label(e))
    try:
        async with tg:
            pass
    except RuntimeError as e:
        print("again:", label(e))

    print("-- children that add children while the group ends")
    log = []

    async def adds(tg, n):
        await turns(1)
        log.append(n)
        if n:
            tg.create_task(adds(tg, n - 1))

    async with asyncio.TaskGroup() as tg:
        tg.create_task(adds(tg, 3))
    print(log)

    print("-- a child adds a child while the group shuts down")

    async def adds_late(tg):
        try:
            await turns(20)
        except asyncio.CancelledError:
            try:
                tg.create_task(turns(1))
            except RuntimeError as e:
                print("refused:", label(e))
            raise

    try:
        async with asyncio.TaskGroup() as tg:
            tg.create_task(adds_late(tg))
            tg.create_task(child("x", 1, "error"))
    except* Boom as e:
        print(label(e))

    print("-- a child that awaits a sibling")

    async def awaits(t):
        try:
            await t
        except asyncio.CancelledError:
            print("awaiter cancelled")
            raise

    async with asyncio.TaskGroup() as tg:
        a = tg.create_task(child("a", 9))
        b = tg.create_task(awaits(a))
        await turns(2)
        a.cancel("by hand")
    print(end(a), end(b))
    try:
        async with asyncio.TaskGroup() as tg:
            a = tg.create_task(child("a", 2, "error"))
            b = tg.create_task(awaits(a))
    except* Boom as e:
        print(label(e), end(b))


asyncio.run(main())
