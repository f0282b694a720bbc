"""What goes in and what comes out, as redis-py has it with a server."""

import enum
import threading

import pytest
import redis
from conftest import connect


class Color(enum.IntEnum):
    RED = 7


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (b"\x00\xff", b"\x00\xff"),
        ("é", "é".encode()),
        (12, b"12"),
        (-(2**63), b"-9223372036854775808"),
        (2**70, str(2**70).encode()),
        (1.5, b"1.5"),
        (1e22, b"1e+22"),
        (memoryview(b"a view")[2:], b"view"),
        ("", b""),
        (Color.RED, repr(Color.RED).encode()),
        (b"x" * 1_000_000, b"x" * 1_000_000),
    ],
)
def test_arguments_become_what_redis_py_makes_of_them(r, value, stored):
    assert r.set("key", value) is True
    assert r.get("key") == stored


@pytest.mark.parametrize("value", [None, True, [1], object()])
def test_what_redis_py_does_not_encode_is_refused_in_its_words(r, value):
    with pytest.raises(redis.DataError, match="Invalid input of type"):
        r.set("key", value)
    assert r.exists("key") == 0


def test_text_that_is_no_unicode_is_refused(r):
    with pytest.raises(UnicodeEncodeError):
        r.set("key", "\ud800")
    assert r.ping()


def test_text_comes_back_as_text(larder):
    with larder.client(decode_responses=True) as r:
        r.set("key", "é")
        assert r.get("key") == "é"
        r.hset("h", mapping={"f": 1})
        assert r.hgetall("h") == {"f": "1"}
        r.set("raw", b"\xff")
        with pytest.raises(UnicodeDecodeError):
            r.get("raw")
        assert r.get("key") == "é"


def test_other_encodings(larder):
    with larder.client(encoding="latin-1", decode_responses=True) as r:
        r.set("key", "é")
        assert r.get("key") == "é"
    with larder.client() as r:
        assert r.get("key") == b"\xe9"
    with larder.client(decode_responses=True, encoding_errors="replace") as r:
        assert r.get("key") == "\ufffd"


@pytest.mark.parametrize("protocol", [2, 3])
def test_shapes(larder, protocol):
    with larder.client(protocol=protocol) as r:
        r.hset("h", mapping={"a": 1, "b": 2})
        assert r.hgetall("h") == {b"a": b"1", b"b": b"2"}
        r.zadd("z", {"m": 1.5, "n": float("inf")})
        assert r.zscore("z", "m") == 1.5
        assert r.zscore("z", "n") == float("inf")
        assert [list(pair) for pair in r.zrange("z", 0, -1, withscores=True)] == [
            [b"m", 1.5],
            [b"n", float("inf")],
        ]
        r.sadd("s", "x")
        # Up to redis-py 5.0 a set, since then a list, in RESP3; redis-py's callbacks make it one.
        assert set(r.smembers("s")) == {b"x"}
        assert set(r.smembers("none")) == set()
        assert r.get("nothing") is None
        assert r.config_get("maxmemory") == {"maxmemory": "0"}
        assert r.execute_command("HGETALL", "none") in ([], {})
        assert r.client_info()["resp"] == str(protocol)


def test_a_name_of_two_words(r):
    assert r.execute_command("CLIENT GETNAME") is None
    assert r.execute_command(b"CLIENT SETNAME", "me") == b"OK"
    assert r.execute_command("CLIENT", "GETNAME") == b"me"


def test_errors_are_those_of_redis_py(r):
    r.set("text", "x")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE|wrong kind of value"):
        r.lpush("text", 1)
    with pytest.raises(redis.ResponseError, match="not an integer"):
        r.incr("text")
    with pytest.raises(redis.ResponseError, match="unknown command"):
        r.execute_command("NOSUCH")
    with pytest.raises(redis.exceptions.ExecAbortError):
        connection = connect(r)
        for words in (("MULTI",), ("NOSUCH",), ("EXEC",)):
            connection.send_command(*words)
        assert connection.read_response() == b"OK"
        with pytest.raises(redis.ResponseError, match="unknown command"):
            connection.read_response()
        connection.read_response()


def test_options_of_the_url_and_databases(larder):
    zero, two = larder.client(), larder.client(db=2)
    two.set("key", "two")
    assert zero.get("key") is None
    with redis.from_url(larder.url + "?db=2&decode_responses=yes") as r:
        assert r.get("key") == "two"
    with redis.from_url(larder.url + "/2", protocol=2, client_name="me") as r:
        assert r.get("key") == b"two"
        assert r.client_getname() == "me"


def test_a_scan_sees_everything(r):
    with r.pipeline() as pipe:
        for n in range(1000):
            pipe.set(f"key:{n}", n)
        pipe.execute()
    assert len(set(r.scan_iter(count=100))) == 1000
    assert len(r.keys("key:*")) == 1000


def test_threads_share_a_client(r):
    def count():
        for _ in range(500):
            r.incr("n")
            r.keys("*")

    threads = [threading.Thread(target=count) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert r.get("n") == b"4000"
