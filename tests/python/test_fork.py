"""Stores of a parent process in its children: one clear error, and no hang."""

import multiprocessing
import os
import threading

import larder_redis
import pytest
from conftest import connect


def in_child(work):
    """Forks; what `work` returned or raised there, as text."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            said = str(work())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        said = stream.read()
    os.waitpid(pid, 0)
    return said


def test_a_handle_of_the_parent_raises_one_clear_error(larder):
    client, store, subscriber = larder.client(), larder.store(), larder.client().pubsub()
    client.set("key", 1)
    subscriber.subscribe("news")
    connection = connect(client)
    for work in (
        lambda: client.get("key"),
        lambda: store.get("key"),
        lambda: connection.send_command("PING"),
        lambda: subscriber.get_message(timeout=1),
        lambda: larder.client().get("key"),
        lambda: larder.clock.advance(1),
        lambda: larder_redis.Store(larder.url),
    ):
        said = in_child(work)
        assert said.startswith("ForkError: this store was opened before the process"), said
    assert client.get("key") == b"1"


def test_a_child_can_let_go_of_what_it_inherited(larder):
    clients = [larder.client() for _ in range(5)]
    [client.ping() for client in clients]

    def let_go():
        for client in clients:
            client.close()
            client.connection_pool.disconnect()
        clients.clear()
        return "done"

    assert in_child(let_go) == "done"
    assert [client.ping() for client in clients] == [True] * 5


def test_a_child_may_open_stores_of_its_own(larder):
    larder.client().set("key", 1, ex=60)

    def work():
        r = larder_redis.from_url("memory:of-the-child")
        r.set("key", 2, px=20)
        thread = threading.Thread(target=lambda: r.rpush("list", "x"))
        thread.start()
        popped = r.blpop("list", 10)
        thread.join()
        while r.exists("key"):
            pass
        return popped[1].decode()

    assert in_child(work) == "x"


def test_a_fork_while_threads_are_in_the_store(larder):
    stop = threading.Event()
    clients = [larder.client() for _ in range(4)]

    def busy(client):
        while not stop.is_set():
            client.set("key", b"x" * 100_000)
            client.keys("*")

    threads = [threading.Thread(target=busy, args=(client,)) for client in clients]
    waiting = threading.Thread(target=lambda: larder.client(socket_timeout=None).blpop("end", 0))
    [thread.start() for thread in [*threads, waiting]]
    for _ in range(20):
        said = in_child(lambda: larder.client().get("key"))
        assert said.startswith("ForkError"), said
    stop.set()
    larder.client().rpush("end", 1)
    [thread.join() for thread in [*threads, waiting]]


def child_of_multiprocessing(url, queue):
    try:
        queue.put(larder_redis.from_url(url).get("key"))
    except larder_redis.LarderError as error:
        queue.put(type(error).__name__)


@pytest.mark.parametrize(("method", "found"), [("fork", "ForkError"), ("spawn", None)])
def test_multiprocessing(larder, method, found):
    larder.client().set("key", 1)
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=child_of_multiprocessing, args=(larder.url, queue))
    process.start()
    assert queue.get(timeout=30) == found
    process.join()
    assert process.exitcode == 0
