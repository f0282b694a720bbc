"""redis-py against the server: sync and asyncio, RESP2 and RESP3."""

import asyncio
import threading

import pytest
import redis
import redis.asyncio

pytestmark = pytest.mark.parametrize("protocol", [2, 3])


@pytest.fixture
def client(empty, protocol):
    with redis.Redis.from_url(empty.url(), protocol=protocol, decode_responses=True) as client:
        yield client


def test_strings(client):
    assert client.set("k", "v", ex=60) is True
    assert client.get("k") == "v"
    assert client.set("k", "w", nx=True) is None
    assert client.getdel("k") == "v"
    assert client.incrby("n", 5) == 5
    assert client.mset({"a": 1, "b": 2}) is True
    assert client.mget("a", "none", "b") == ["1", None, "2"]
    with pytest.raises(redis.ResponseError, match="not an integer"):
        client.incr("a", "x")


def test_keys(client):
    names = {f"key:{n}" for n in range(500)}
    client.mset(dict.fromkeys(names, "v"))
    assert set(client.scan_iter("key:*", count=50)) == names
    assert client.delete("key:1", "key:2", "none") == 2
    assert client.exists("key:1", "key:3") == 1
    assert client.type("key:3") == "string"
    assert client.expire("key:3", 100) and 98 <= client.ttl("key:3") <= 100


def test_lists_and_sets(client):
    assert client.rpush("l", "a", "b", "c") == 3
    assert client.lrange("l", 0, -1) == ["a", "b", "c"]
    assert client.lmove("l", "m", "LEFT", "RIGHT") == "a"
    assert client.sadd("s", "x", "y") == 2
    assert set(client.smembers("s")) == {"x", "y"}
    assert client.sismember("s", "x")


def test_a_pipeline_is_a_transaction(client):
    with client.pipeline() as pipe:
        assert pipe.set("k", 1).incr("k").get("k").execute() == [True, 2, "2"]


def test_watch_notices_a_change(client):
    client.set("k", 1)
    with client.pipeline() as pipe:
        pipe.watch("k")
        client.set("k", 2)
        pipe.multi()
        pipe.set("k", 3)
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert client.get("k") == "2"


def test_a_blocked_client_gets_what_another_pushes(client):
    got = []
    taker = threading.Thread(target=lambda: got.append(client.blpop(["l"], timeout=10)))
    taker.start()
    client.rpush("l", "x")
    taker.join(timeout=10)
    assert [list(pair) for pair in got] == [["l", "x"]]
    assert client.blpop(["l"], timeout=0.05) is None


def test_messages(client):
    with client.pubsub() as listener:
        listener.subscribe("news")
        listener.psubscribe("sp*")
        assert [listener.get_message(timeout=5)["type"] for _ in "ab"] == ["subscribe", "psubscribe"]
        assert client.publish("news", "one") == 1
        assert client.publish("sport", "two") == 1
        first, second = listener.get_message(timeout=5), listener.get_message(timeout=5)
        assert (first["channel"], first["data"]) == ("news", "one")
        assert (second["pattern"], second["data"]) == ("sp*", "two")


def test_what_the_server_says_of_itself(client):
    info = client.info()
    assert str(info["redis_version"]).startswith("7.2.")
    assert client.config_get("port")["port"] == str(info["tcp_port"])
    assert client.client_setname("me") and client.client_getname() == "me"
    assert client.dbsize() == 0
    assert client.command_count() > 50


def test_asyncio(empty, protocol):
    async def talk():
        client = redis.asyncio.Redis.from_url(empty.url(), protocol=protocol)
        async with client:
            await client.set("k", "v", px=60_000)
            assert await client.get("k") == b"v"
            async with client.pipeline(transaction=True) as pipe:
                assert await pipe.incr("n").incr("n").execute() == [1, 2]
            many = await asyncio.gather(*(client.incr("n") for _ in range(50)))
            assert sorted(many) == list(range(3, 53))
            taker = asyncio.create_task(client.blpop(["l"], timeout=10))
            await client.rpush("l", "x")
            assert [*await taker] == [b"l", b"x"]
            async with client.pubsub() as listener:
                await listener.subscribe("news")
                assert (await listener.get_message(timeout=5))["type"] == "subscribe"
                await client.publish("news", "one")
                assert (await listener.get_message(timeout=5))["data"] == b"one"

    asyncio.run(talk())
