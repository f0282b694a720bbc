"""The document's own Flask code, unmodified, against the server."""

import time
import types

import pytest
import redis
from flask_doc import app as document

# The document keeps data for 60 seconds; with a clock this far behind one or two are left.
BEHIND_SECONDS = 58.5
DEADLINE_SECONDS = 10


@pytest.fixture
def web(empty):
    return document.create_app(empty.url()).test_client()


def test_marks_and_reads_dynamic_data(web):
    assert document.get_dyn_data(7) is None
    document.mark_dyn_data(7, 100)
    assert document.get_dyn_data(7) == 100
    document.mark_dyn_data(7, 200)
    assert document.get_dyn_data(7) == 200
    assert document.get_dyn_data(8) is None


def test_through_http(web):
    assert web.get("/dyn/7").json == {"data": None}
    assert web.post("/dyn/7/100").status_code == 200
    assert web.get("/dyn/7").json == {"data": 100}


def test_the_key_is_the_documents(web, empty):
    document.mark_dyn_data(7, 100)
    with redis.Redis.from_url(empty.url()) as client:
        assert client.keys("*") == [b"dyn_data/b'7'"]
        assert 58 <= client.ttl("dyn_data/b'7'") <= 60


def test_the_value_is_gone_after_its_time(web, monkeypatch):
    behind = types.SimpleNamespace(time=lambda: time.time() - BEHIND_SECONDS)
    monkeypatch.setattr(document, "time", behind)
    document.mark_dyn_data(7, 100)
    assert document.get_dyn_data(7) == 100
    deadline = time.monotonic() + DEADLINE_SECONDS
    while document.get_dyn_data(7) is not None:
        assert time.monotonic() < deadline, "the value outlives its time"
        time.sleep(0.01)


def test_a_time_that_has_passed_leaves_nothing(web, monkeypatch):
    monkeypatch.setattr(document, "time", types.SimpleNamespace(time=lambda: time.time() - 120))
    document.mark_dyn_data(7, 100)
    assert document.get_dyn_data(7) is None


def test_a_wrong_password_is_refused_in_redis_words(server):
    document.create_app(server.url("wrong"))
    with pytest.raises(redis.AuthenticationError, match="invalid username-password pair"):
        document.mark_dyn_data(7, 100)
    assert server.say("AUTH wrong") == (
        "-WRONGPASS invalid username-password pair or user is disabled."
    )


def test_a_missing_password_is_refused_in_redis_words(server):
    document.create_app(server.url(""))
    with pytest.raises(redis.AuthenticationError, match="already authenticated"):
        document.get_dyn_data(7)
    assert server.say("GET dyn_data/7") == "-NOAUTH Authentication required."
