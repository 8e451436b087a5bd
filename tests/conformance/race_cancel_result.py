# theme: cancel racing with a completion in the same turn; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio

from twin_tools import Boom, end, flag, label, turns


async def waits(name, f):
    try:
        r = await f
        print(name, "got", r)
        return r
    except asyncio.CancelledError as e:
        print(name, "cancelled", e.args[0] if e.args else "none")
        raise
    except Exception as e:
        print(name, label(e))
        raise


async def main():
    loop = asyncio.get_running_loop()
    reports = []
    loop.set_exception_handler(lambda l, c: reports.append(label(c.get("exception"))))

    async def situation(name, *acts):
        f = loop.create_future()
        t = asyncio.create_task(waits(name, f))
        await turns(1)
        for a in acts:
            r = a(f, t)
            if r is not None:
                print(name, "->", int(r))
        await turns(3)
        print(name, "task", end(t), "future", "cancelled" if f.cancelled() else "done", t.cancelling())
        del f, t
        await turns(1)
        print(name, "reports", reports)
        reports.clear()

    async def blind(name, *acts):
        # nobody looks at the future
        f = loop.create_future()
        t = asyncio.create_task(waits(name, f))
        await turns(1)
        for a in acts:
            a(f, t)
        await turns(3)
        del f
        print(name, flag(t.done(), t.cancelled()), "reports", reports)
        del t
        await turns(1)
        print(name, "reports", reports)
        reports.clear()

    def res(f, t): f.set_result(1)
    def err(f, t): f.set_exception(Boom())
    def fc(f, t): return f.cancel()
    def fcm(f, t): return f.cancel("future")
    def tc(f, t): return t.cancel()
    def tcm(f, t): return t.cancel("task")
    def un(f, t): return t.uncancel()

    await situation("res,tc", res, tc)
    await situation("res,tcm", res, tcm)
    await situation("res,tc,un", res, tc, un)
    await situation("tc,un", tc, un)
    await situation("fcm,tcm", fcm, tcm)
    await situation("tcm,fcm", tcm, fcm)
    await situation("tcm,tc", tcm, tc)
    await situation("tc,tcm", tc, tcm)
    await situation("fc,tcm", fc, tcm)
    await situation("res,tc,tcm,un", res, tc, tcm, un)
    await situation("err,tc,un", err, tc, un)
    await blind("err", err)
    await blind("err,tc", err, tc)
    await blind("err,tcm", err, tcm)
    await blind("err,fc", err, fc)


asyncio.run(main())
