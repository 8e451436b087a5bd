# theme: the loop: stop and run again, threadsafe calls, handles, nested runs, errors; min-python: 3.13
# source: written for aio, as one of the differences that a comparison found
import asyncio

from twin_tools import Boom, end, flag, label, turns


def attempt(name, f):
    try:
        print(name, f())
    except Exception as e:
        print(name, label(e))


loop = asyncio.new_event_loop()
log = []


async def value(n, x):
    await turns(n)
    return x


async def stops(x):
    loop.stop()
    await turns(1)
    return x


def show(name):
    print(name, log)
    log.clear()


# stop during run_until_complete leaves the task alive
t = loop.create_task(stops("late"))
attempt("stopped", lambda: loop.run_until_complete(t))
print(end(t))
attempt("again", lambda: loop.run_until_complete(t))
attempt("of a done task", lambda: loop.run_until_complete(t))

# what is ready stays for the next run
loop.call_soon(loop.stop)
loop.call_soon(lambda: (log.append("a"), loop.call_soon(log.append, "b")))
loop.run_forever()
show("first")
loop.call_soon(log.append, "c")
loop.call_soon(loop.stop)
loop.run_forever()
show("second")

# two stops are one
loop.stop()
loop.stop()
loop.call_soon(log.append, "d")
loop.run_forever()
loop.call_soon(log.append, "e")
loop.call_soon(loop.stop)
loop.run_forever()
show("third")

# a done callback of what is run until complete comes before the end of the run
f = loop.create_future()
f.add_done_callback(lambda _: log.append("callback 1"))
loop.call_soon(f.set_result, 3)
loop.call_soon(log.append, "soon")
print(loop.run_until_complete(f))
f.add_done_callback(lambda _: log.append("callback 2"))
show("future")
loop.run_until_complete(value(0, 1))
show("then")

# errors
f = loop.create_future()
loop.call_soon(f.cancel)
try:
    loop.run_until_complete(f)
except asyncio.CancelledError:
    print("cancelled")
f = loop.create_future()
loop.call_soon(f.set_exception, Boom("x"))
attempt("error", lambda: loop.run_until_complete(f))
other = asyncio.new_event_loop()
g = other.create_future()
attempt("other loop", lambda: loop.run_until_complete(g))


async def nested():
    c = value(0, 1)
    try:
        loop.run_until_complete(c)
    except RuntimeError as e:
        print("same loop", label(e))
    try:
        other.run_until_complete(c)
    except RuntimeError as e:
        print("another loop", label(e))
    try:
        loop.close()
    except RuntimeError as e:
        print("close", label(e))
    try:
        await g
    except RuntimeError as e:
        print("await of another loop", label(e))
    try:
        asyncio.run(c)
    except RuntimeError as e:
        print("run", label(e))
    c.close()
    print(loop is asyncio.get_running_loop(), loop.is_running())


loop.run_until_complete(nested())
attempt("no loop", lambda: asyncio.get_running_loop())


# one order
async def order():
    loop.call_soon(log.append, 1)
    loop.call_soon_threadsafe(log.append, 2)
    loop.call_soon(log.append, 3)
    loop.call_soon_threadsafe(lambda: (log.append(4), loop.call_soon_threadsafe(log.append, 6), loop.call_soon(log.append, 7)))
    loop.call_soon(log.append, 5)
    await turns(1)
    show("one turn")
    await turns(1)
    show("two turns")
    # handles
    h = [loop.call_soon(log.append, i) for i in range(3)]
    h[1].cancel()
    h[1].cancel()
    print(flag(*[x.cancelled() for x in h]))
    loop.call_soon(lambda: (h[0].cancel(), later.cancel()))
    later = loop.call_soon(log.append, "never")
    await turns(1)
    show("handles")
    print(flag(*[x.cancelled() for x in h], later.cancelled()))
    tm = loop.call_later(50, log.append, "late")
    print(tm.when() >= loop.time() + 49)
    tm.cancel()
    # callbacks of callbacks
    f = loop.create_future()

    def outer(f):
        log.append("outer")
        f.add_done_callback(lambda f: log.append("inner"))
        loop.call_soon(log.append, "soon")
    f.add_done_callback(outer)
    f.add_done_callback(lambda f: log.append("second"))
    f.set_result(0)
    loop.call_soon(log.append, "behind")
    await turns(1)
    show("one")
    await turns(1)
    show("two")
    # removal
    f = loop.create_future()
    b = lambda f: log.append("b")
    c = lambda f: log.append("c")
    f.add_done_callback(lambda f: (log.append("a"), log.append(f.remove_done_callback(b))))
    f.add_done_callback(b)
    f.add_done_callback(c)
    print(f.remove_done_callback(c), f.remove_done_callback(c))
    f.set_result(0)
    print(f.remove_done_callback(b))
    await turns(2)
    show("removed")


loop.run_until_complete(order())
loop.call_soon(log.append, "dropped")
loop.close()
print(loop.is_closed(), loop.is_running(), log)
attempt("call_soon", lambda: loop.call_soon(print))
attempt("call_later", lambda: loop.call_later(1, print))
attempt("threadsafe", lambda: loop.call_soon_threadsafe(print))
attempt("executor", lambda: loop.run_in_executor(None, print))
c = value(0, 1)
attempt("run_until_complete", lambda: loop.run_until_complete(c))
attempt("create_task", lambda: loop.create_task(c))
c.close()
attempt("stop", lambda: loop.stop())
