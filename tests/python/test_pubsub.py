"""Messages to subscribers, in RESP2's shape and as RESP3's pushes."""

import asyncio
import threading

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


@pytest.mark.parametrize("protocol", [2, 3])
def test_channels_and_patterns(larder, r, protocol):
    subscriber = larder.client(protocol=protocol).pubsub()
    subscriber.subscribe("news")
    subscriber.psubscribe("n*")
    kinds = [subscriber.get_message(timeout=5)["type"] for _ in range(2)]
    assert kinds == ["subscribe", "psubscribe"]
    assert r.publish("news", "hello") == 2
    messages = [subscriber.get_message(timeout=5) for _ in range(2)]
    assert [message["type"] for message in messages] == ["message", "pmessage"]
    assert [message["data"] for message in messages] == [b"hello", b"hello"]
    assert messages[1]["pattern"] == b"n*"
    assert subscriber.get_message(timeout=0) is None
    subscriber.unsubscribe()
    assert subscriber.get_message(timeout=5)["type"] == "unsubscribe"
    subscriber.close()
    assert r.publish("news", "nobody") == 0


def test_a_thread_that_listens(larder, r):
    heard, ready = [], threading.Event()
    subscriber = larder.client().pubsub()
    subscriber.subscribe(news=lambda message: heard.append(message["data"]))
    thread = threading.Thread(target=listen, args=(subscriber, heard, ready))
    thread.start()
    ready.wait()
    for n in range(100):
        r.publish("news", n)
    thread.join()
    assert heard == [str(n).encode() for n in range(100)]


def listen(subscriber, heard, ready):
    ready.set()
    while len(heard) < 100:
        subscriber.get_message(timeout=5)


def test_a_subscriber_that_was_killed_subscribes_again(larder, r):
    subscriber = larder.client(
        retry=Retry(NoBackoff(), 3), retry_on_error=[redis.ConnectionError]
    ).pubsub()
    subscriber.subscribe("news")
    assert subscriber.get_message(timeout=5)["type"] == "subscribe"
    (client,) = [client for client in r.client_list() if client["sub"] == "1"]
    r.client_kill_filter(_id=client["id"])
    assert subscriber.get_message(timeout=5)["type"] == "subscribe"
    r.publish("news", "again")
    assert subscriber.get_message(timeout=5)["data"] == b"again"


def test_a_subscriber_that_does_not_read_is_cut_off(larder, r):
    r.config_set("client-output-buffer-limit", "pubsub 1mb 0 0")
    subscriber = larder.client().pubsub()
    subscriber.subscribe("news")
    subscriber.get_message(timeout=5)
    for _ in range(100):
        r.publish("news", b"x" * 100_000)
    with pytest.raises(redis.ConnectionError):
        for _ in range(100):
            assert subscriber.connection.read_response(disconnect_on_error=False)


def test_a_handler_of_pushes(larder, r):
    pushed = []

    def handler(message):
        pushed.append(message)
        return message

    subscriber = larder.client(protocol=3).pubsub(push_handler_func=handler)
    subscriber.subscribe("news")
    assert subscriber.get_message(timeout=5)["type"] == "subscribe"
    r.publish("news", "hello")
    assert subscriber.get_message(timeout=5)["data"] == b"hello"
    assert [b"message", b"news", b"hello"] in pushed


def test_health_checks_between_messages(larder, r):
    subscriber = larder.client(health_check_interval=1).pubsub()
    subscriber.subscribe("news")
    assert subscriber.get_message(timeout=5)["type"] == "subscribe"
    subscriber.connection.next_health_check = 1
    r.publish("news", "hello")
    found = [subscriber.get_message(timeout=1) for _ in range(3)]
    assert [message["data"] for message in found if message] == [b"hello"]


def test_asyncio(larder):
    async def main():
        r = larder.async_client()
        async with r.pubsub() as subscriber:
            await subscriber.subscribe("news")
            assert (await subscriber.get_message(timeout=5))["type"] == "subscribe"
            assert await subscriber.get_message(timeout=0.01) is None
            waiting = asyncio.create_task(subscriber.get_message(timeout=5))
            await asyncio.sleep(0)
            await r.publish("news", "hello")
            assert (await waiting)["data"] == b"hello"
            for n in range(10):
                await r.publish("news", n)
            heard = []
            async for message in subscriber.listen():
                heard.append(int(message["data"]))
                if len(heard) == 10:
                    break
            assert heard == list(range(10))
        await r.aclose()

    asyncio.run(main())
