# What several of the programs beside this have in common; the twins have it from
# twin_tools.hpp.
import asyncio


class Boom(Exception):
    pass


def label(e):
    if e is None:
        return "none"
    if isinstance(e, asyncio.CancelledError):
        return "cancelled"
    if isinstance(e, BaseExceptionGroup):
        return "group(" + ",".join(sorted(label(x) for x in e.exceptions)) + ")"
    if isinstance(e, Boom):
        return e.args[0] if e.args else "boom"
    if isinstance(e, asyncio.IncompleteReadError):
        return f'incomplete_read partial={text(e.partial)} expected={"none" if e.expected is None else e.expected}'
    if isinstance(e, asyncio.LimitOverrunError):
        return f"limit_overrun consumed={e.consumed}"
    return {
        TimeoutError: "timeout", asyncio.InvalidStateError: "invalid_state",
        ValueError: "value_error", KeyError: "key_error", LookupError: "key_error",
        RuntimeError: "runtime_error",
        asyncio.QueueFull: "queue_full", asyncio.QueueEmpty: "queue_empty",
        asyncio.QueueShutDown: "queue_shut_down",
        asyncio.BrokenBarrierError: "broken",
    }[type(e)]


def text(b):
    return '"' + b.decode().replace("\n", "\\n").replace("\r", "\\r") + '"'


def end(f):
    if not f.done():
        return "pending"
    if f.cancelled():
        return "cancelled"
    if f.exception() is not None:
        return label(f.exception())
    return "none" if f.result() is None else f"{f.result()}"


def flag(*values):
    return " ".join(str(int(v)) for v in values)


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


class Rng:
    def __init__(self, s):
        self.s = (s * 2654435761 + 12345) & 0x7FFFFFFF
        for _ in range(3):
            self(2)

    def __call__(self, n):
        self.s = (self.s * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.s >> 12) % n


# CPython keeps the children of a group in a set, so that they are cancelled in an order
# of no meaning; here it is the order of their start.
class _OrderedSet(dict):
    def add(self, x):
        self[x] = None

    def discard(self, x):
        self.pop(x, None)


_init = asyncio.TaskGroup.__init__


def _ordered(self):
    _init(self)
    self._tasks = _OrderedSet()


asyncio.TaskGroup.__init__ = _ordered
