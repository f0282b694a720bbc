"""What a wrong URL is told, in exceptions of redis-py's family."""

import larder_redis
import pytest
import redis


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("memory:a b", "made of letters, digits"),
        ("memory:name/two", "'two' is not the number of a database"),
        ("memory:?conections=5", "there is no option 'conections'; there are client_name, db"),
        ("memory:?db=x", "'x' is no value of the option 'db'"),
        ("memory:?protocol=%zz", "escape"),
        ("larder:", "a folder, such as larder:./data"),
    ],
)
def test_a_sentence_that_helps(url, sentence):
    with pytest.raises(larder_redis.UrlError, match=sentence) as raised:
        larder_redis.from_url(url)
    assert isinstance(raised.value, redis.RedisError)
    assert isinstance(raised.value, ValueError)


def test_settings_are_for_who_opens_first():
    first = larder_redis.from_url("memory:settings?enable-debug-command=local&protocol=2")
    assert first.config_get("enable-debug-command") == {"enable-debug-command": "local"}
    assert larder_redis.from_url("memory:settings").ping()
    with pytest.raises(larder_redis.UrlError, match="open with other settings .enable-debug"):
        larder_redis.from_url("memory:settings?enable-debug-command=no").ping()
    with pytest.raises(larder_redis.UrlError, match="databases=x"):
        larder_redis.Store("memory:others?databases=x")


def test_a_folder_is_refused_and_never_silently_memory(tmp_path):
    for open_it in (larder_redis.from_url, larder_redis.Store):
        with pytest.raises(larder_redis.NotSupportedError, match="nothing would be kept"):
            open_it(f"larder:{tmp_path}/data")
    assert list(tmp_path.iterdir()) == []
    assert issubclass(larder_redis.NotSupportedError, redis.RedisError)


def test_a_database_that_is_not_there(larder):
    with pytest.raises(redis.ResponseError, match="out of range"):
        larder.client(db=99).ping()


def test_a_password_that_nobody_asked_for(larder):
    with pytest.raises(redis.AuthenticationError, match="without any password"):
        larder.client(password="secret", protocol=2).ping()
