"""Waiting: for other threads, greenlets and tasks, with an end, and interrupted."""

import asyncio
import threading
import time

import pytest
import redis
import redis.asyncio


def eventually(condition):
    """Waits for other threads; a failure if that takes long."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def blocked(r):
    return sum("b" in client["flags"] for client in r.client_list())


def test_a_thread_is_woken(larder, r):
    popped, client = [], larder.client(socket_timeout=None)
    thread = threading.Thread(target=lambda: popped.append(client.blpop("list", 0)))
    thread.start()
    eventually(lambda: blocked(r) == 1)
    r.rpush("list", "a", "b")
    thread.join()
    assert popped == [(b"list", b"a")]
    assert r.lrange("list", 0, -1) == [b"b"]


def test_a_wait_ends_when_its_time_is_up(larder, r):
    results, client = [], larder.client(socket_timeout=None)
    thread = threading.Thread(target=lambda: results.append(client.brpop("none", 60)))
    thread.start()
    eventually(lambda: blocked(r) == 1)
    larder.clock.advance(59.9)
    assert blocked(r) == 1
    larder.clock.advance(0.1)
    thread.join()
    assert results == [None]


def test_the_clients_own_time_is_over_and_nothing_is_lost(larder, r):
    impatient = larder.client(socket_timeout=0.05, retry=None)
    with pytest.raises(redis.TimeoutError):
        impatient.blpop("list", 0)
    r.rpush("list", "kept")
    assert impatient.lpop("list") == b"kept"


def test_a_blocked_session_can_be_unblocked_and_killed(larder, r):
    errors = []

    def wait():
        try:
            larder.client(retry=None, socket_timeout=None).blpop("none", 0)
        except redis.RedisError as error:
            errors.append(error)

    for end in ("CLIENT UNBLOCK", "CLIENT KILL ID"):
        thread = threading.Thread(target=wait)
        thread.start()
        eventually(lambda: blocked(r) == 1)
        (waiting,) = [client for client in r.client_list() if "b" in client["flags"]]
        more = ["ERROR"] if end == "CLIENT UNBLOCK" else []
        r.execute_command(end, waiting["id"], *more)
        thread.join()
    assert isinstance(errors[0], redis.ResponseError)
    assert isinstance(errors[1], redis.ConnectionError)


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import gevent, larder_redis, threading
clients = [larder_redis.from_url("memory:", socket_timeout=None) for _ in range(101)]
waiting = [gevent.spawn(client.blpop, "queue", 0) for client in clients[:100]]
ticks = 0
def tick():
    global ticks
    while True:
        gevent.sleep(0)
        ticks += 1
ticker = gevent.spawn(tick)
pusher = clients[100]
while sum("b" in client["flags"] for client in pusher.client_list()) < 100:
    gevent.sleep(0)
for n in range(100):
    pusher.rpush("queue", n)
gevent.joinall(waiting, timeout=20)
values = sorted(int(greenlet.value[1]) for greenlet in waiting)
assert values == list(range(100)), values
assert ticks > 0
print("all", threading.active_count())
"""


def test_a_hundred_greenlets_wait_and_one_pushes(run_python):
    assert run_python(GREENLETS).startswith("all")


INTERRUPTED = """
import larder_redis, os, signal, threading
r = larder_redis.from_url("memory:", retry=None, socket_timeout=None)
other = larder_redis.from_url("memory:")
interrupted = threading.Event()
def interrupt():
    while not any("b" in client["flags"] for client in other.client_list()):
        pass
    # The main thread is on its way into the wait, or in it.
    while not interrupted.wait(0.1):
        os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    r.blpop("none", 0)
except KeyboardInterrupt:
    interrupted.set()
    r.rpush("none", "kept")
    print("interrupted", r.lpop("none").decode())
"""


def test_ctrl_c_interrupts(run_python):
    assert run_python(INTERRUPTED) == "interrupted kept"


def test_tasks_wait_without_threads(larder):
    async def main():
        before = threading.active_count()
        clients = [larder.async_client(socket_timeout=None) for _ in range(100)]
        tasks = [asyncio.create_task(client.blpop("queue", 0)) for client in clients]
        pusher = larder.async_client()
        while blocked_in(await pusher.client_list()) < 100:
            await asyncio.sleep(0)
        assert threading.active_count() == before
        async with pusher.pipeline() as pipe:
            for n in range(100):
                pipe.rpush("queue", n)
            await pipe.execute()
        values = [int(value) for _, value in await asyncio.gather(*tasks)]
        assert sorted(values) == list(range(100))
        for client in [*clients, pusher]:
            await client.aclose()

    asyncio.run(main())


def blocked_in(clients):
    return sum("b" in client["flags"] for client in clients)


def test_a_cancelled_wait_leaves_no_stale_reply(larder):
    async def main():
        one = larder.async_client(single_connection_client=True, socket_timeout=None)
        other = larder.async_client()
        for turn in range(20):
            task = asyncio.create_task(one.blpop("queue", 0))
            while blocked_in(await other.client_list()) < 1:
                await asyncio.sleep(0)
            if turn % 2:
                # Served, and cancelled before it could be told.
                pushing = asyncio.create_task(other.rpush("queue", turn))
                await asyncio.sleep(0)
                task.cancel()
                await pushing
            else:
                task.cancel()
                await other.rpush("queue", turn)
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await one.echo("mine") == b"mine"
            assert await other.lpop("queue") == str(turn).encode()
        await one.aclose()
        await other.aclose()

    asyncio.run(main())


def test_a_wait_of_a_task_ends_with_its_time(larder):
    async def main():
        r = larder.async_client(socket_timeout=None)
        waiting = asyncio.create_task(r.blpop("none", 5))
        while blocked_in(await r.client_list()) < 1:
            await asyncio.sleep(0)
        larder.clock.advance(5)
        assert await waiting is None
        impatient = larder.async_client(socket_timeout=0.05, retry=None)
        with pytest.raises(redis.TimeoutError):
            await impatient.blpop("none", 0)
        await impatient.aclose()
        await r.aclose()

    asyncio.run(main())


def test_tasks_take_turns(larder):
    async def main():
        r = larder.async_client()
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        ticker = asyncio.create_task(tick())
        for n in range(1000):
            await r.set("key", n)
        ticker.cancel()
        assert ticks >= 5
        await r.aclose()

    asyncio.run(main())


def test_a_pause_holds_commands_back(larder, r):
    r.execute_command("CLIENT", "PAUSE", 5000, "WRITE")
    done, client = [], larder.client(socket_timeout=None)
    thread = threading.Thread(target=lambda: done.append(client.set("key", 1)))
    thread.start()
    eventually(lambda: blocked(r) == 1)
    assert r.get("key") is None and done == []
    larder.clock.advance(5)
    thread.join()
    assert done == [True]


def test_many_threads_wait_and_all_are_served(larder, r):
    popped = []
    client = larder.client(max_connections=64, socket_timeout=None)
    threads = [
        threading.Thread(target=lambda: popped.append(client.blpop("queue", 0)[1]))
        for _ in range(32)
    ]
    [thread.start() for thread in threads]
    eventually(lambda: blocked(r) == 32)
    for n in range(32):
        r.rpush("queue", n)
    [thread.join() for thread in threads]
    assert sorted(int(value) for value in popped) == list(range(32))
