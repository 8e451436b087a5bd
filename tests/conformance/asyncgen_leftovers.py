# theme: asynchronous generators; tasks left over at the end of run; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio

from twin_tools import Boom, end, label, turns


async def gen(log, n, how="plain"):
    try:
        for i in range(n):
            await turns(1)
            try:
                yield i
            except GeneratorExit:
                log.append("exit")
                await turns(2)
                log.append("cleaned")
                if how == "error":
                    raise Boom("in exit")
                if how == "again":
                    yield 99
                raise
        if how == "fail":
            raise Boom("at the end")
    finally:
        log.append("finally")


async def nothing(g):
    try:
        await g.__anext__()
        print("something")
    except StopAsyncIteration:
        print("nothing")


async def main():
    log = []
    print("-- to the end")
    g = gen(log, 2)
    async for x in g:
        print(x)
    await nothing(g)
    await g.aclose()
    print(log)
    for how in ("plain", "error"):
        print("-- closed", how)
        log.clear()
        g = gen(log, 5, how)
        print(await g.__anext__())
        try:
            await g.aclose()
        except Exception as e:
            print(label(e))
        print(log)
        if how == "plain":
            await nothing(g)
            await g.aclose()
    print("-- closed before it began")
    log.clear()
    g = gen(log, 2)
    await g.aclose()
    await nothing(g)
    print(log)
    print("-- error")
    g = gen(log, 1, "fail")
    try:
        async for x in g:
            print(x)
    except Boom as e:
        print(label(e))
    await nothing(g)
    print("-- cancelled inside")
    log.clear()
    g = gen(log, 5)

    async def consume():
        try:
            async for x in g:
                print("got", x)
        except asyncio.CancelledError:
            print("consumer cancelled")
            raise

    t = asyncio.create_task(consume())
    await turns(4)
    t.cancel()
    await turns(2)
    print(end(t), log)
    await nothing(g)
    print("-- two at once")
    log.clear()
    g = gen(log, 5)
    t = asyncio.create_task(consume())
    await turns(1)
    try:
        await g.__anext__()
    except RuntimeError as e:
        print(label(e))
    try:
        await g.aclose()
    except RuntimeError as e:
        print(label(e))
    t.cancel()
    await turns(3)
    print(end(t))
    print("-- a limit on one item")
    g = gen(log, 5)
    try:
        await asyncio.wait_for(g.__anext__(), 0)
    except TimeoutError:
        print("timeout")


asyncio.run(main())


async def leftover(name, how):
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print(name, "cancelled")
        if how == "error":
            raise Boom(name)
        if how == "value":
            return name
        if how == "slow":
            await turns(5)
            print(name, "slow end")
        if how == "twice":
            try:
                await asyncio.sleep(0.01)
                print(name, "not cancelled again")
            except asyncio.CancelledError:
                print(name, "cancelled again")
        if how == "new":
            async def late():
                print("late task runs")
            asyncio.create_task(late())
        raise


async def start(how, result="result"):
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda l, c: print("report", label(c.get("exception"))))
    t = asyncio.create_task(leftover(how, how))
    await turns(1)
    if isinstance(result, BaseException):
        raise result
    return result


for how in ("plain", "error", "value", "slow", "twice", "new"):
    print("--", how)
    print(asyncio.run(start(how)))
    for e in (Boom("main"), asyncio.CancelledError()):
        try:
            asyncio.run(start(how, e))
        except BaseException as x:
            print(label(x))
print("-- runner")
with asyncio.Runner() as r:
    print(r.run(start("value")))
    print(r.run(start("slow", "second")))
    print(len(asyncio.all_tasks(r.get_loop())))
for f in (lambda: r.run(turns(1)), r.get_loop):
    try:
        f()
    except RuntimeError as e:
        print(label(e))
