"""Several commands at once, as one, and only if nothing has changed."""

import larder_redis
import pytest
import redis
from conftest import connect


@pytest.mark.parametrize("transaction", [True, False])
def test_replies_come_in_order(r, transaction):
    with r.pipeline(transaction=transaction) as pipe:
        pipe.set("a", 1).incr("a").get("a").hset("h", "f", 1.5).hgetall("h").lrange("none", 0, -1)
        assert pipe.execute() == [True, 2, b"2", 1, {b"f": b"1.5"}, []]


@pytest.mark.parametrize("transaction", [True, False])
def test_an_error_is_in_its_place(r, transaction):
    r.set("text", "x")
    with r.pipeline(transaction=transaction) as pipe:
        pipe.set("a", 1).lpush("text", 1).get("a")
        first, error, last = pipe.execute(raise_on_error=False)
    assert (first, last) == (True, b"1")
    assert isinstance(error, redis.ResponseError)
    with r.pipeline(transaction=transaction) as pipe:
        pipe.lpush("text", 1)
        with pytest.raises(redis.ResponseError, match="Command # 1 .LPUSH text 1. of pipeline"):
            pipe.execute()


def test_an_error_that_ends_a_connection_is_raised_from_inside_a_transaction():
    r = larder_redis.from_url("memory:loading?enable-debug-command=yes", retry=None)
    pipe = r.pipeline()
    pipe.execute_command("DEBUG", "ERROR", "LOADING fake message")
    with pytest.raises(redis.exceptions.BusyLoadingError):
        pipe.execute()
    assert r.ping()


def test_nothing_runs_of_what_cannot_be_encoded(r):
    with r.pipeline() as pipe:
        pipe.set("a", 1)
        pipe.execute_command("SET", "b", None)
        with pytest.raises(redis.DataError):
            pipe.execute()
    assert r.dbsize() == 0


def test_a_long_pipeline(r):
    with r.pipeline(transaction=False) as pipe:
        for n in range(20_000):
            pipe.rpush("list", n)
        assert pipe.execute() == list(range(1, 20_001))


def test_a_watched_key(larder, r):
    other = larder.client()
    with r.pipeline() as pipe:
        pipe.watch("n")
        other.set("n", 1)
        pipe.multi()
        pipe.incr("n")
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert r.transaction(lambda pipe: pipe.multi() or pipe.incr("n"), "n") == [2]


def test_bytes_of_the_protocol_are_understood(r):
    connection = connect(r)
    connection.send_packed_command([b"*2\r\n$4\r\nECHO\r\n$2\r\n", b"hi\r\n", b"PING\r\n"])
    assert connection.read_response() == b"hi"
    assert connection.read_response() == b"PONG"
    with pytest.raises(redis.DataError, match="not whole requests"):
        connection.send_packed_command(b"*2\r\n$4\r\nECHO\r\n")
    r.connection_pool.release(connection)
    assert r.ping()


def test_a_packer_of_ones_own(larder):
    class Packer:
        def pack(self, *args):
            words = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
            words = words[0].split() + words[1:]
            parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
            return [b"*%d\r\n" % len(words) + b"".join(parts)]

    with larder.client(command_packer=Packer()) as r:
        assert r.set("key", 1) is True
        assert r.get("key") == b"1"
