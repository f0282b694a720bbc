"""`install()` and what it changes, `uninstall()`, and the ways without it."""

import asyncio
import sys

import larder_redis
import larder_redis.asyncio
import pytest
import redis
import redis.asyncio


@pytest.fixture(autouse=True)
def uninstalled():
    larder_redis.uninstall()
    yield
    larder_redis.uninstall()


def test_without_it_redis_py_is_itself():
    with pytest.raises(ValueError, match="redis://"):
        redis.from_url("memory:")
    with pytest.raises(ValueError, match="redis://"):
        redis.asyncio.from_url("memory:")


def test_twice_is_once_and_can_be_taken_back():
    original = redis.connection.parse_url
    for _ in range(3):
        larder_redis.install()
    assert redis.from_url("memory:").ping()
    assert isinstance(redis.asyncio.from_url("memory:"), redis.asyncio.Redis)
    client = redis.from_url("memory:")
    for _ in range(2):
        larder_redis.uninstall()
    assert redis.connection.parse_url is original
    assert client.ping()
    with pytest.raises(ValueError, match="redis://"):
        redis.from_url("memory:")


def test_other_urls_are_left_alone():
    larder_redis.install()
    pool = redis.from_url("redis://:secret@example.org:7000/3").connection_pool
    assert pool.connection_class is redis.Connection
    assert pool.connection_kwargs["host"] == "example.org"
    assert pool.connection_kwargs["db"] == 3
    with pytest.raises(ValueError, match="redis://"):
        redis.from_url("http://example.org")


def test_every_door_of_redis_py():
    larder_redis.install()
    assert redis.from_url("memory:doors").set("key", 1)
    assert redis.Redis.from_url("memory:doors").get("key") == b"1"
    assert redis.StrictRedis.from_url("memory:doors").get("key") == b"1"
    pool = redis.BlockingConnectionPool.from_url("memory:doors", max_connections=2)
    assert redis.Redis(connection_pool=pool).get("key") == b"1"
    single = redis.from_url("memory:doors", single_connection_client=True)
    assert single.get("key") == b"1"


def test_classes_for_who_dislikes_a_patch():
    assert larder_redis.Redis.from_url("memory:classes").set("key", 1)
    pool = larder_redis.ConnectionPool.from_url("memory:classes")
    assert redis.Redis(connection_pool=pool).get("key") == b"1"
    pool = larder_redis.BlockingConnectionPool.from_url("memory:classes")
    assert redis.Redis(connection_pool=pool).get("key") == b"1"
    pool = redis.ConnectionPool(
        connection_class=larder_redis.Connection, path="memory:classes"
    )
    assert redis.Redis(connection_pool=pool).get("key") == b"1"

    async def main():
        r = larder_redis.asyncio.Redis.from_url("memory:classes")
        assert await r.get("key") == b"1"
        await r.aclose()
        r = larder_redis.asyncio.from_url("memory:classes", decode_responses=True)
        assert await r.get("key") == "1"
        await r.aclose()

    asyncio.run(main())


def test_from_url_takes_urls_of_servers():
    client = larder_redis.from_url("redis://example.org:7000/1")
    assert type(client) is redis.Redis
    assert client.connection_pool.connection_class is redis.Connection
    assert larder_redis.Redis.from_url("redis://example.org").connection_pool
    with pytest.raises(redis.exceptions.RedisClusterException):
        # Nobody listens there: redis-py's client for clusters asks at once.
        larder_redis.from_url("redis-cluster://127.0.0.1:1")


def test_a_name_is_a_store():
    one, same = larder_redis.from_url("memory:one"), larder_redis.from_url("MEMORY://one/0")
    one.set("key", 1)
    assert same.get("key") == b"1"
    assert larder_redis.from_url("memory:two").get("key") is None
    assert larder_redis.Store("memory:one").get("key") == b"1"


def test_typing_and_version():
    assert larder_redis.__version__
    assert set(larder_redis.__all__) <= set(dir(larder_redis))
    folder = sys.modules["larder_redis"].__path__[0]
    assert open(f"{folder}/py.typed").read() == ""
