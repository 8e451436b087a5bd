# theme: the same random actions in both languages; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio

from twin_tools import Boom, Rng, end, flag, label, turns


async def program(seed):
    loop = asyncio.get_running_loop()
    scopes, tasks, groups = [], [], []
    ids = [0]

    def name():
        ids[0] += 1
        return ids[0]

    async def leaf(me, r):
        try:
            await turns(r(5))
            how = r(8)
            if how == 0:
                raise Boom(f"b{me}")
            if how == 1:
                raise asyncio.CancelledError(f"own{me}")
            if how == 2:
                asyncio.current_task().cancel(f"self{me}")
            if how == 3 and tasks:
                t = tasks[r(len(tasks))]
                print(me, "cancels", int(t.cancel(f"by{me}")))
            if how == 4 and scopes:
                s = scopes[r(len(scopes))]
                try:
                    s.reschedule(loop.time() - 1)
                    print(me, "rescheduled")
                except RuntimeError as e:
                    print(me, label(e))
        except asyncio.CancelledError as e:
            print(me, "leaf cancelled")
            how = r(6)
            if how == 0:
                return
            if how == 1:
                raise Boom(f"conv{me}")
            if how == 2:
                await turns(r(4))
            if how == 3:
                print(me, "uncancel", asyncio.current_task().uncancel())
            raise

    async def node(me, r, depth):
        op = r(9) if depth else 8
        print(me, "op", op)
        try:
            if op < 3:
                async with asyncio.TaskGroup() as g:
                    groups.append(g)
                    for _ in range(1 + r(3)):
                        n = name()
                        t = g.create_task(node(n, Rng(seed * 1000 + n), depth - 1))
                        tasks.append(t)
                    if r(2):
                        await node(name(), r, depth - 1)
            elif op < 5:
                async with asyncio.timeout(None) as s:
                    scopes.append(s)
                    await node(name(), r, depth - 1)
            elif op == 5:
                await asyncio.wait_for(node(name(), r, depth - 1), None)
            elif op == 6:
                ts = []
                for _ in range(2):
                    n = name()
                    t = asyncio.create_task(node(n, Rng(seed * 1000 + n), depth - 1))
                    tasks.append(t)
                    ts.append(t)
                if r(2):
                    await asyncio.gather(*ts)
                else:
                    await asyncio.shield(asyncio.gather(*ts, return_exceptions=True))
            elif op == 7:
                if groups:
                    n = name()
                    g = groups[r(len(groups))]
                    tasks.append(g.create_task(node(n, Rng(seed * 1000 + n), depth - 1)))
                    print(me, "added")
            else:
                await leaf(me, r)
            print(me, "ok", asyncio.current_task().cancelling())
        except asyncio.CancelledError as e:
            print(me, "cancelled", asyncio.current_task().cancelling())
            if r(6) == 0:
                return
            raise
        except BaseException as e:
            print(me, label(e), asyncio.current_task().cancelling())
            if r(3) == 0:
                raise
            await turns(r(2))
        if r(4) == 0:
            await turns(1)

    r = Rng(seed)
    for i in range(2):
        n = name()
        tasks.append(asyncio.create_task(node(n, Rng(seed * 1000 + n), 4)))
    for turn in range(30):
        what = r(6)
        if what == 0:
            j = r(len(tasks))
            print("main cancels", j, int(tasks[j].cancel(f"m{turn}")))
        elif what == 1 and scopes:
            s = scopes[r(len(scopes))]
            try:
                s.reschedule(loop.time() - 1)
                print("main rescheduled")
            except RuntimeError as e:
                print("main", label(e))
        print("turn", turn, " ".join(end(t) for t in tasks))
        await turns(1)
    for i in range(20):
        if all(t.done() for t in tasks):
            break
        for t in list(tasks):
            t.cancel("final")
        await turns(6)
    print("end", " ".join(f"{end(t)}:{t.cancelling()}" for t in tasks), flag(*[s.expired() for s in scopes]))


for seed in range(12):
    print("== seed", seed)
    asyncio.run(program(seed))
