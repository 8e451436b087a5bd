# theme: contexts: exception handlers, callbacks, timers, threads, generators, errors of use; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio
import contextvars

from twin_tools import Boom, label, turns


var = contextvars.ContextVar("var", default="default")
bare = contextvars.ContextVar("bare")


async def fails(value):
    var.set(value)
    raise Boom(value)


async def stubborn():
    var.set("leftover")
    try:
        await asyncio.sleep(60)
    finally:
        raise Boom("leftover")


def handler(loop, context):
    print("handler sees", var.get(), label(context.get("exception")))


async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(handler)
    var.set("main")

    print("-- a task nobody asks")
    t = asyncio.create_task(fails("task"))
    await turns(2)
    del t
    await turns(1)

    print("-- a callback")
    def cb():
        var.set("callback")
        raise Boom("cb")
    loop.call_soon(cb)
    await turns(1)
    f = loop.create_future()
    def done(f):
        var.set("done")
        raise Boom("done")
    f.add_done_callback(done)
    f.set_result(1)
    await turns(1)
    loop.call_later(0.001, cb)
    await asyncio.sleep(0.02)
    print("main has", var.get())

    print("-- a future nobody asks")
    f = loop.create_future()
    f.set_exception(Boom("future"))
    var.set("dropper")
    del f
    await turns(1)

    print("-- callbacks see the context of their registration")
    f = loop.create_future()
    for v in ("one", "two"):
        var.set(v)
        f.add_done_callback(lambda f, v=v: print("callback", v, var.get()))
    var.set("three")
    f.set_result(None)
    await turns(1)

    print("-- nested callbacks inherit")
    def first():
        var.set("first")
        loop.call_soon(second)
        var.set("first later")
    def second():
        print("second", var.get())
        asyncio.create_task(third())
        var.set("second later")
    async def third():
        print("third", var.get())
    loop.call_soon(first)
    await turns(4)
    print("main has", var.get())

    print("-- two tasks share a context")
    ctx = contextvars.copy_context()
    async def sets(v):
        print("was", var.get())
        var.set(v)
        await turns(1)
        print("is", var.get())
    a = asyncio.create_task(sets("a"), context=ctx)
    b = asyncio.create_task(sets("b"), context=ctx)
    await asyncio.gather(a, b)
    print(var.get(), ctx[var])

    print("-- threads")
    async def threads():
        var.set("for the thread")
        print(await asyncio.to_thread(lambda: (var.get(), var.set("in thread"))[0]))
        print(await loop.run_in_executor(None, var.get))
        return var.get()
    print(await threads())

    print("-- generators run in the context of the one who asks")
    async def gen():
        for i in range(3):
            var.set(f"gen {i}")
            yield var.get()
            print("again", var.get())
    async for x in gen():
        print(x, var.get())
        var.set("asked")
    print(var.get())

    print("-- cancel: clean-up in the context of the task")
    async def cleans():
        var.set("mine")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("clean-up", var.get())
            raise
    t = asyncio.create_task(cleans())
    await turns(1)
    var.set("canceller")
    t.cancel()
    await turns(2)

    print("-- wait_for, timeout and gather")
    async def shows(what):
        print(what, var.get())
        var.set(what)
    await asyncio.wait_for(shows("wait_for"), 1)
    print(var.get())
    await asyncio.gather(shows("gather"))
    print(var.get())
    async with asyncio.TaskGroup() as tg:
        tg.create_task(shows("group"))
        var.set("body")
    print(var.get())
    await shows("await")
    print(var.get())

    print("-- set, reset, run")
    t1 = var.set("x")
    t2 = var.set("y")
    var.reset(t2)
    print(var.get())
    var.reset(t1)
    print(var.get())
    for token in (t1,):
        try:
            var.reset(token)
        except RuntimeError as e:
            print("used twice")
    try:
        bare.get()
    except LookupError:
        print("no value")
    print(bare.get("otherwise"))
    tb = bare.set("v")
    bare.reset(tb)
    print(bare.get("gone"))
    empty = contextvars.Context()
    print(empty.run(var.get), empty.run(lambda: bare.get("nothing")))
    empty.run(var.set, "inside")
    print(empty[var], var.get())
    copy = empty.copy()
    copy.run(var.set, "copied")
    print(empty[var], copy[var])
    other = contextvars.copy_context().run(var.set, "z")
    try:
        var.reset(other)
        print("reset with a token of another context")
    except ValueError:
        print("another context")
    ctx = contextvars.copy_context()
    try:
        ctx.run(ctx.run, print, "entered twice")
    except RuntimeError:
        print("entered already")

    left = asyncio.create_task(stubborn())
    await turns(1)
    return left


asyncio.run(main())
