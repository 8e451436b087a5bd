# theme: eager tasks: groups, gather, cancel, nesting, contexts, current task; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio
import contextvars

from twin_tools import Boom, end, flag, label, turns


var = contextvars.ContextVar("var", default="none")


async def child(name, n, how="value"):
    print(name, "starts", var.get())
    var.set(name)
    try:
        await turns(n)
    except asyncio.CancelledError:
        print(name, "cancelled")
        raise
    if how == "error":
        raise Boom(name)
    if how == "self":
        asyncio.current_task().cancel()
    if how == "cancelled":
        raise asyncio.CancelledError
    print(name, "ends", var.get())
    return name


async def main():
    loop = asyncio.get_running_loop()
    asyncio.current_task().set_name("main")
    loop.set_task_factory(asyncio.eager_task_factory)
    ct = lambda n, *a: asyncio.create_task(child(n, *a), name=n)

    print("-- ends at once")
    for how in ("value", "error", "self", "cancelled"):
        t = ct("a", 0, how)
        print(end(t), flag(t.cancel(), t.cancelling(), asyncio.current_task().get_name() == "main"), var.get())
        print(len(asyncio.all_tasks()))

    print("-- blocks, then is cancelled")
    t = ct("b", 2)
    print(end(t), len(asyncio.all_tasks()))
    t.cancel()
    await turns(3)
    print(end(t))

    print("-- self cancel, then an await")
    t = ct("c", 0)

    async def selfcancel():
        asyncio.current_task().cancel("self")
        try:
            await turns(1)
        except asyncio.CancelledError as e:
            print("cancelled", e.args[0])
            raise
    t = asyncio.create_task(selfcancel())
    print(end(t))
    await turns(2)
    print(end(t))

    print("-- nested")

    async def outer():
        print("outer")
        t = ct("inner", 1)
        print("outer again", end(t))
        return await t
    t = asyncio.create_task(outer(), name="outer")
    print(end(t), asyncio.current_task().get_name())
    print(await t)

    print("-- a group of finished children")
    order = []
    loop.call_soon(order.append, "turn")
    async with asyncio.TaskGroup() as tg:
        t1 = tg.create_task(child("t1", 0), name="t1")
        t2 = tg.create_task(child("t2", 0), name="t2")
        order.append("body")
    order.append("after")
    print(order, end(t1), end(t2))

    print("-- a child that fails at once")
    try:
        async with asyncio.TaskGroup() as tg:
            a = tg.create_task(child("a", 3), name="a")
            b = tg.create_task(child("b", 0, "error"), name="b")
            print("count", asyncio.current_task().cancelling(), end(b))
            try:
                tg.create_task(child("c", 0), name="c")
            except RuntimeError as e:
                print("refused", label(e))
            try:
                await turns(1)
                print("not cancelled")
            except asyncio.CancelledError:
                print("body cancelled")
                raise
    except BaseExceptionGroup as e:
        print(label(e), end(a), asyncio.current_task().cancelling())

    print("-- it fails at once, the body ends")
    try:
        async with asyncio.TaskGroup() as tg:
            tg.create_task(child("b", 0, "error"), name="b")
    except BaseExceptionGroup as e:
        print(label(e), asyncio.current_task().cancelling())
    await turns(1)

    print("-- gather")
    g = asyncio.gather(child("x", 0), child("y", 0))
    print(flag(g.done()), await g)
    g = asyncio.gather(child("x", 0, "error"), child("y", 1))
    print(flag(g.done()), label(g.exception()))
    g = asyncio.gather(child("x", 0, "error"), child("y", 0), return_exceptions=True)
    print(flag(g.done()))
    await turns(2)

    print("-- wait_for, shield, wait, as_completed")
    print(await asyncio.wait_for(child("w", 0), 0))
    s = asyncio.shield(child("s", 0))
    print(flag(s.done()), await s)
    d, p = await asyncio.wait([ct("p", 0), ct("q", 1)], return_when=asyncio.FIRST_COMPLETED)
    print(len(d), len(p))
    await turns(2)
    for c in asyncio.as_completed([child("e", 0)]):
        print(await c)

    print("-- callbacks of a finished one, and its waiter")
    t = ct("z", 0)
    t.add_done_callback(lambda t: print("callback", t.result(), var.get()))
    print(await t)
    print("after the await")
    await turns(1)

    print("-- not while the loop stands")
    loop.set_task_factory(None)


asyncio.run(main())
loop = asyncio.new_event_loop()
loop.set_task_factory(asyncio.eager_task_factory)


async def early():
    print("runs")


t = loop.create_task(early(), name="early")
print("created", end(t))
loop.run_until_complete(t)
print(end(t))
loop.close()
