# theme: the same random actions in both languages; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio

from twin_tools import Boom, Rng, end, flag, label, turns


N = 5


async def program(seed):
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda l, c: print("report", label(c.get("exception"))))
    F = [loop.create_future() for _ in range(4)]
    W = []

    def settle(r):
        k = r(4)
        how = r(6)
        if F[k].done():
            F[k] = loop.create_future()
            return f"new {k}"
        if how < 3:
            F[k].set_result(r(100))
        elif how == 3:
            F[k].set_exception(Boom(f"e{r(10)}"))
        else:
            F[k].cancel(f"f{r(10)}" if how == 4 else None)
        return f"settle {k} {how}"

    async def one(i, r, op, depth):
        if op == 0:
            await asyncio.sleep(0)
            return "slept"
        if op == 1:
            return f"fut {await F[r(4)]}"
        if op == 2:
            return f"shield {await asyncio.shield(F[r(4)])}"
        j = i + 1 + r(N)
        target = W[j] if j < N else F[r(4)]
        if op == 3:
            return f"task {await target}"
        if op == 4:
            g = asyncio.gather(F[r(4)], target, F[r(4)])
            return f"gather {' '.join(str(x) for x in await g)}"
        if op == 5:
            g = asyncio.gather(F[r(4)], target, return_exceptions=True)
            return f"gather {' '.join(label(x) if isinstance(x, BaseException) else str(x) for x in await g)}"
        if op == 6:
            mode = (asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION, asyncio.ALL_COMPLETED)[r(3)]
            fs = [F[r(4)], target, F[r(4)]]
            d, p = await asyncio.wait(fs, return_when=mode)
            return f"wait {len(d)} {len(p)} {flag(*[f in d for f in fs])}"
        if op == 7:
            return settle(r)
        if op == 8:
            j = r(N)
            return f"cancel {j} {int(W[j].cancel(f'c{i}'))} {W[j].cancelling()}"
        if op == 9:
            j = r(N)
            return f"uncancel {j} {W[j].uncancel()}"
        if op == 10:
            return f"shield task {await asyncio.shield(target)}"
        if op == 11:
            return f"wait_for {await asyncio.wait_for(target, None)}"
        if op == 12:
            return f"shield gather {len(await asyncio.shield(asyncio.gather(target, F[r(4)])))}"
        if op == 13:
            if depth < 2:
                return f"child {await body(i, r, depth + 1)}"
            return "deep"
        if op == 14:
            n = 0
            async for f in asyncio.as_completed([target, target]):
                n += 1
                print(i, "next", end(f))
                if r(3) == 0:
                    break
            return f"each {n}"
        if op == 15:
            g = asyncio.gather(asyncio.gather(F[r(4)], target, return_exceptions=bool(r(2))), F[r(4)], return_exceptions=bool(r(2)))
            if r(2):
                return f"gcancel {int(g.cancel('g'))}"
            g.add_done_callback(lambda g: print(i, "gather done", int(g.cancelled())))
            x = await g
            return f"gg {len(x)}"
        if op == 16:
            return f"wait_for 0 {await asyncio.wait_for(F[r(4)], 0)}"
        if op == 17:
            f = F[r(4)]
            f.add_done_callback(lambda f: print(i, "callback", end(f)))
            return "added"

    async def body(i, r, depth):
        for step in range(3 + r(4)):
            op = r(18)
            try:
                x = await one(i, r, op, depth)
                print(i, depth, step, op, x)
            except asyncio.CancelledError as e:
                print(i, depth, step, op, "cancelled")
                how = r(4)
                if how == 0:
                    raise
                if how == 1:
                    asyncio.current_task().uncancel()
            except Exception as e:
                print(i, depth, step, op, label(e))
                if r(4) == 0:
                    raise
        if r(6) == 0:
            raise Boom(f"end{i}")
        return r(50)

    for i in range(N):
        W.append(None)
    for i in range(N):
        W[i] = asyncio.create_task(body(i, Rng(seed * 97 + i), 0))
    r = Rng(seed)
    for turn in range(25):
        what = r(6)
        if what < 2:
            print("main", settle(r))
        elif what == 2:
            j = r(N)
            print("main cancel", j, int(W[j].cancel(f"m{turn}" if r(2) else None)))
        elif what == 3 and r(3) == 0:
            j = r(N)
            print("main uncancel", j, W[j].uncancel())
        print("turn", turn, " ".join(end(w) for w in W))
        await asyncio.sleep(0)
        w = f = None
    for i in range(30):
        if all(w.done() for w in W):
            break
        for f in F:
            f.cancel("final")
        for w in W:
            w.cancel("final")
        F[:] = [loop.create_future() for _ in range(4)]
        await turns(3)
    print("end", " ".join(f"{end(w)}:{w.cancelling()}" for w in W))
    F.clear()
    W.clear()
    import gc
    gc.collect()
    await turns(1)


for seed in range(12):
    print("== seed", seed)
    asyncio.run(program(seed))
