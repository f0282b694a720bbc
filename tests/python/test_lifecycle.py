"""Connections that end, are killed, are checked, and are not left behind."""

import gc
import resource

import pytest
import redis
from conftest import connect


def test_a_killed_connection_is_made_again(larder, r):
    client = larder.client()
    first = client.client_id()
    assert r.client_kill_filter(_id=first) == 1
    assert str(first) not in [other["id"] for other in r.client_list()]
    assert client.client_id() != first


def test_a_closed_client_can_be_used_again(larder):
    client = larder.client()
    client.set("key", 1)
    client.close()
    assert client.get("key") == b"1"


def test_quit_ends_a_connection(r):
    connection = connect(r)
    connection.send_command("QUIT")
    assert connection.read_response() == b"OK"
    with pytest.raises(redis.ConnectionError):
        connection.read_response()
    r.connection_pool.release(connection)
    assert r.ping()


def test_health_checks(larder):
    client = larder.client(health_check_interval=1)
    client.set("key", 1)
    connection = connect(client)
    connection.next_health_check = 1
    client.connection_pool.release(connection)
    assert client.get("key") == b"1"
    assert connection.next_health_check > 1


def test_replies_may_be_turned_off(larder):
    connection = connect(larder.client())
    for words in (("CLIENT", "REPLY", "SKIP"), ("PING",), ("ECHO", "heard")):
        connection.send_command(*words)
    assert connection.read_response() == b"heard"
    assert not connection.can_read()


def test_sessions_end_with_their_clients(larder, r):
    for _ in range(50):
        client = larder.client()
        client.ping()
        subscriber = client.pubsub()
        subscriber.subscribe("news")
        del client, subscriber
    gc.collect()
    assert len(r.client_list()) == 1
    assert r.pubsub_numsub("news") == [(b"news", 0)]


def test_memory_stays_flat(r):
    def work(times):
        for n in range(times):
            r.set("key", b"x" * 100, ex=60)
            r.get("key")
            r.hset("h", "f", n)
            r.hgetall("h")

    work(2000)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work(20_000)
    gc.collect()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 2048, f"{grown} KiB"
