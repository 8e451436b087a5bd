# theme: the same random actions in both languages; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio

from twin_tools import Boom, Rng, end, label, turns


N = 6


async def program(seed):
    loop = asyncio.get_running_loop()
    lock, sem, bsem = asyncio.Lock(), asyncio.Semaphore(2), asyncio.BoundedSemaphore(1)
    cond, ev = asyncio.Condition(), asyncio.Event()
    q, pq = asyncio.Queue(2), asyncio.PriorityQueue(1)
    qs = [q, pq]
    bar = asyncio.Barrier(3)
    state = {"x": 0, "n": 0}

    def show():
        return " ".join(str(int(v)) for v in (
            lock.locked(), sem.locked(), bsem.locked(), cond.locked(), ev.is_set(), q.qsize(), pq.qsize(),
            bar.n_waiting, bar.broken))

    async def hold(i, r, what, thing):
        async with thing:
            print(i, "in", what)
            await turns(r(3))
            if r(5) == 0:
                raise Boom("inside")
        return "out"

    async def one(i, r, op):
        if op == 0:
            await turns(1)
            return "slept"
        if op == 1:
            return await hold(i, r, "lock", lock)
        if op == 2:
            return await hold(i, r, "sem", sem)
        if op == 3:
            return await hold(i, r, "bsem", bsem)
        if op == 4:
            async with cond:
                print(i, "cond")
                if r(2):
                    await cond.wait()
                else:
                    at = state["x"]
                    await cond.wait_for(lambda: state["x"] > at)
                print(i, "notified", int(cond.locked()))
                await turns(r(2))
            return "cond out"
        if op == 5:
            async with cond:
                state["x"] += r(2)
                if r(3) == 0:
                    cond.notify_all()
                else:
                    cond.notify(r(3))
                await turns(r(2))
            return "notify"
        if op == 6:
            await ev.wait()
            return "event"
        if op == 7:
            ev.set()
            if r(2):
                ev.clear()
            return "set"
        if op == 8:
            ev.clear()
            return "clear"
        if op in (9, 10):
            k = r(2)
            state["n"] += 1
            v = (state["n"] * 7) % 10 * 100 + state["n"]
            await qs[k].put(v)
            return f"put {k} {v}"
        if op in (11, 12):
            k = r(2)
            return f"get {k} {await qs[k].get()}"
        if op == 13:
            k = r(2)
            if r(2):
                return f"get_nowait {k} {qs[k].get_nowait()}"
            state["n"] += 1
            v = (state["n"] * 7) % 10 * 100 + state["n"]
            qs[k].put_nowait(v)
            return f"put_nowait {k} {v}"
        if op == 14:
            return f"barrier {await bar.wait()}"
        if op == 15:
            k = r(8)
            if k == 0:
                await bar.abort()
                return "abort"
            if k < 3:
                await bar.reset()
                return "reset"
            return "no"
        if op == 16:
            j = r(N)
            return f"cancel {j} {int(W[j].cancel(f'c{i}'))}"
        if op == 17:
            k = r(2)
            if r(2):
                await qs[k].join()
                return f"joined {k}"
            qs[k].task_done()
            return f"task_done {k}"
        if op == 18:
            if r(8) == 0:
                k = r(2)
                m = bool(r(2))
                qs[k].shutdown(m)
                return f"shutdown {k} {int(m)}"
            return "no"
        if op == 19:
            if r(2):
                sem.release()
                return "sem released"
            await sem.acquire()
            return "sem acquired"
        if op == 20:
            if r(2):
                bsem.release()
                return "bsem released"
            lock.release()
            return "lock released"

    async def body(i, r):
        for step in range(4 + r(6)):
            op = r(21)
            try:
                x = await one(i, r, op)
                print(i, step, op, x)
            except asyncio.CancelledError as e:
                print(i, step, op, "cancelled")
                if r(5) == 0:
                    raise
            except Exception as e:
                print(i, step, op, label(e))
        return i

    r = Rng(seed)
    W = [asyncio.create_task(body(i, Rng(seed * 97 + i))) for i in range(N)]
    for turn in range(40):
        what = r(8)
        if what == 0:
            j = r(N)
            print("main cancel", j, int(W[j].cancel(f"m{turn}" if r(2) else None)))
        elif what == 1:
            ev.set()
        print("turn", turn, show())
        await asyncio.sleep(0)
    for i in range(30):
        if all(w.done() for w in W):
            break
        for w in W:
            w.cancel("final")
        await turns(3)
    print("end", " ".join(end(w) for w in W), show())


for seed in range(12):
    print("== seed", seed)
    asyncio.run(program(seed))
