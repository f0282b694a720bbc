"""redis-py's client, made from the URL of a store in this process."""

from typing import Any, Self

import redis

from . import _urls
from .connection import ConnectionPool


class Redis(redis.Redis):
    """redis-py's client; its ``from_url`` knows the stores of this process, too.

    For who takes a class instead of a patch, as ``FlaskRedis.from_custom_provider`` does.
    """

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> Self:
        if not _urls.is_linked(url):
            return super().from_url(url, **kwargs)
        single = kwargs.pop("single_connection_client", False)
        pool = ConnectionPool.from_url(url, **kwargs)
        client = cls(connection_pool=pool, single_connection_client=single)
        client.auto_close_connection_pool = True
        return client


StrictRedis = Redis


def from_url(url: str, **kwargs: Any) -> redis.Redis | redis.RedisCluster:
    """A client for any URL: ``memory:`` is a store in this process, ``redis://``, ``rediss://`` and
    ``unix://`` are redis-py's own, ``redis-cluster://`` its client for clusters."""
    scheme, colon, rest = url.partition(":")
    if scheme in ("redis-cluster", "rediss-cluster"):
        scheme = scheme.removesuffix("-cluster")
        return redis.RedisCluster.from_url(f"{scheme}{colon}{rest}", **kwargs)
    if _urls.is_linked(url):
        return Redis.from_url(url, **kwargs)
    return redis.Redis.from_url(url, **kwargs)
