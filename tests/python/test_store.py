"""The direct API and the fixture's clock."""

import datetime

import larder_redis
import pytest
import redis


def test_strings_and_numbers(larder):
    store = larder.store()
    assert store.get("key") is None
    store.set("key", "text")
    store.set(b"other", 7)
    assert (store.get(b"key"), store.get("other")) == (b"text", b"7")
    assert store.incr("other") == 8
    assert store.incr("new", -3) == -3
    assert store.delete("key") and not store.delete("key")
    assert larder.client().get("other") == b"8"


def test_times_to_live(larder):
    store = larder.store()
    store.set("key", 1, ttl=1.5)
    assert store.ttl("key") == 1.5
    assert store.expire("key", datetime.timedelta(seconds=10))
    assert not store.expire("nothing", 1)
    larder.clock.advance(9.999)
    assert store.get("key") == b"1"
    larder.clock.advance(0.001)
    assert store.get("key") is None
    assert store.ttl("key") is None
    assert larder.client().dbsize() == 0


def test_the_documents_pairs(larder):
    store = larder.store()
    assert store.get_dyn_data(7) is None
    store.mark_dyn_data(7, 100)
    store.mark_dyn_data("b", b"\xff", ttl=120)
    assert (store.get_dyn_data(7), store.get_dyn_data("b")) == (100, b"\xff")
    larder.clock.advance(60)
    assert (store.get_dyn_data(7), store.get_dyn_data("b")) == (None, b"\xff")
    assert store.online() == []
    store.mark_online("bob")
    store.mark_online(7)
    assert store.online() == ["7", "bob"]
    larder.clock.advance(310)
    assert store.online() == []


def test_refusals(larder):
    store = larder.store()
    larder.client().rpush("list", 1)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        store.get("list")
    with pytest.raises(redis.DataError, match="Invalid input of type: 'NoneType'"):
        store.set("key", None)
    with pytest.raises(redis.DataError, match="more than 0 seconds"):
        store.set("key", 1, ttl=0)
    with pytest.raises(larder_redis.UrlError, match="no setting 'protocol'"):
        larder_redis.Store("memory:?protocol=3")
    with pytest.raises(ValueError, match="goes forward"):
        larder.clock.advance(-1)


def test_the_fixture_gives_each_test_a_store(larder):
    assert larder.client().dbsize() == 0
    assert redis.from_url(larder.url).set("key", 1, ex=60)
    before = larder.clock.now()
    larder.clock.advance(59)
    assert larder.clock.now() - before == pytest.approx(59)
    assert larder.client().ttl("key") == 1
    larder.clock.advance(1)
    assert larder.client().exists("key") == 0


def test_events_of_expired_keys_are_there_when_the_clock_has_moved(larder):
    r = larder.client()
    r.config_set("notify-keyspace-events", "KEA")
    subscriber = larder.client().pubsub()
    subscriber.psubscribe("__keyevent@0__:expired")
    subscriber.get_message(timeout=5)
    r.set("key", 1, ex=5)
    larder.clock.advance(5)
    assert subscriber.get_message(timeout=0)["data"] == b"key"
