"""One contender's time per call, from one thread: `bench.py CONTENDER [URL]` prints microseconds of
a get, of a pipelined set with a time to live, and of an increment, `-` where it has none.

`floor` is redis-py with connections that answer constants: what redis-py itself costs.
"""

import sys
import time

import redis
from redis.connection import UnixDomainSocketConnection

KEY, VALUE = "key:0000000001", b"v" * 64
CALLS = 20_000
IN_A_PIPELINE = 100
# The best of so many: what disturbs only makes slower.
TRIES = 5


class Floor(UnixDomainSocketConnection):
    """Sends nothing and answers what a store would."""

    def connect(self):
        pass

    def disconnect(self, *args, **kwargs):
        pass

    def can_read(self, timeout=0):
        return False

    def send_command(self, *args, **kwargs):
        self.replies = iter((VALUE,))

    def pack_commands(self, commands):
        return commands

    def send_packed_command(self, command, check_health=True):
        count = len(command)
        self.replies = iter([b"QUEUED"] * (count - 1) + [[b"OK"] * (count - 2)])

    def read_response(self, disable_decoding=False, **kwargs):
        return next(self.replies)


def best(work):
    """Microseconds per call."""
    times = []
    for _ in range(TRIES):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times) / CALLS * 1e6


def getting(get):
    def work():
        for _ in range(CALLS):
            get(KEY)

    return work


def pipelined(client):
    keys = [f"key:{n:010}" for n in range(IN_A_PIPELINE)]

    def work():
        pipe = client.pipeline()
        for _ in range(CALLS // IN_A_PIPELINE):
            for key in keys:
                pipe.set(key, VALUE, ex=60)
            pipe.execute()

    return work


def measure(contender, url):
    if contender == "store":
        import larder_redis

        store = larder_redis.Store()
        store.set(KEY, VALUE)
        return [best(getting(store.get)), None, best(getting(lambda _: store.incr("n")))]
    if contender == "floor":
        client = redis.Redis(
            connection_pool=redis.ConnectionPool(connection_class=Floor, path="")
        )
        return [best(getting(client.get)), best(pipelined(client)), None]
    if contender == "larder":
        import larder_redis

        client = larder_redis.from_url("memory:")
    else:
        client = redis.from_url(url)
    client.set(KEY, VALUE)
    return [
        best(getting(client.get)),
        best(pipelined(client)),
        best(getting(lambda _: client.incr("n"))),
    ]


figures = measure(sys.argv[1], *sys.argv[2:] or [None])
print(*("-" if figure is None else f"{figure:.4f}" for figure in figures))
