# theme: timers and a loop that was blocked; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio
import time

from twin_tools import end, flag, turns


async def main():
    loop = asyncio.get_running_loop()
    log = []

    print("-- a sleeper and a timer due in one turn")
    t = asyncio.create_task(asyncio.sleep(0.01))
    t.add_done_callback(lambda _: log.append("sleeper done"))
    await turns(1)
    loop.call_later(0.02, log.append, "timer")
    time.sleep(0.05)
    await turns(5)
    print(log)
    log.clear()

    print("-- timers are seen in the turn after the block")
    loop.call_later(0.01, log.append, "timer")
    time.sleep(0.02)
    for i in range(3):
        log.append(i)
        await turns(1)
    await asyncio.sleep(0.03)
    print(log)
    log.clear()

    print("-- the limit comes after the sleep, both are over")
    async def limited(delay, limit):
        try:
            async with asyncio.timeout(limit) as scope:
                await asyncio.sleep(delay)
                log.append("slept")
        except TimeoutError:
            log.append("timeout")
        log.append(int(scope.expired()))

    t = asyncio.create_task(limited(0.01, 0.02))
    await turns(1)
    time.sleep(0.05)
    await t
    print(log)
    log.clear()

    print("-- a limit over before the first await that gives way")
    for n in range(1, 5):
        try:
            async with asyncio.timeout(0.005):
                time.sleep(0.01)
                for i in range(n):
                    log.append(i)
                    await turns(1)
        except TimeoutError:
            log.append("timeout")
        print(n, log)
        log.clear()

    print("-- wait_for of a done future, a turn and a block")
    f = loop.create_future()
    async def wf():
        try:
            log.append(await asyncio.wait_for(f, 0.01))
        except TimeoutError:
            log.append("timeout")
    t = asyncio.create_task(wf())
    await turns(1)
    f.set_result("value")
    time.sleep(0.03)
    await t
    print(log, f.done())
    log.clear()

    print("-- the result comes in the turn in which the limit is seen")
    f = loop.create_future()
    t = asyncio.create_task(wf())
    await turns(1)
    loop.call_later(0.005, f.set_result, "value")
    time.sleep(0.03)
    await t
    print(log, f.done())
    log.clear()

    f = loop.create_future()
    t = asyncio.create_task(wf())
    await turns(1)
    loop.call_later(0.02, lambda: f.done() or f.set_result("value"))
    time.sleep(0.04)
    await t
    print(log, f.cancelled())
    log.clear()

    print("-- wait: the limit and the end in one turn")
    f = loop.create_future()
    async def w():
        d, p = await asyncio.wait([f], timeout=0.01)
        log.append((len(d), len(p)))
    t = asyncio.create_task(w())
    await turns(1)
    loop.call_later(0.02, f.set_result, 1)
    time.sleep(0.04)
    await t
    print(log)
    log.clear()

    print("-- sleeper cancelled by a timer of the same turn")
    async def sleeper():
        try:
            await asyncio.sleep(0.01)
            log.append("woke")
        except asyncio.CancelledError:
            log.append("cancelled")
            raise
    t = asyncio.create_task(sleeper())
    await turns(1)
    loop.call_later(0.02, t.cancel)
    time.sleep(0.04)
    await turns(4)
    print(log, end(t))
    log.clear()

    print("-- nested limits after a block")
    for outer, inner in ((0.01, 0.02), (0.02, 0.01), (0.02, 5)):
        try:
            async with asyncio.timeout(outer) as o:
                try:
                    async with asyncio.timeout(inner) as i:
                        time.sleep(0.04)
                        await asyncio.sleep(1)
                except TimeoutError:
                    log.append("inner")
                    await turns(2)
                    log.append("after")
        except TimeoutError:
            log.append("outer")
        print(log, flag(o.expired(), i.expired()), asyncio.current_task().cancelling())
        log.clear()

    print("-- call_at in the past goes behind what is ready")
    loop.call_at(loop.time() - 1, log.append, "past")
    loop.call_soon(log.append, "soon")
    loop.call_later(0, log.append, "zero")
    loop.call_at(loop.time() - 2, log.append, "long past")
    await turns(3)
    print(log)
    log.clear()

    print("-- timers by deadline, cancelled by one another")
    hs = []
    loop.call_later(0.01, lambda: (log.append("a"), hs[0].cancel(), loop.call_soon(log.append, "a2")))
    hs.append(loop.call_later(0.02, log.append, "b"))
    loop.call_later(0.03, log.append, "c")
    time.sleep(0.05)
    await turns(3)
    print(log)


asyncio.run(main())
