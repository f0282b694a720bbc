"""redis-py's asyncio client, made from the URL of a store in this process."""

from typing import Any, Self

import redis.asyncio

from .. import _urls
from .connection import ConnectionPool


class Redis(redis.asyncio.Redis):
    """redis-py's asyncio client; its ``from_url`` knows the stores of this process, too."""

    @classmethod
    def from_url(
        cls, url: str, single_connection_client: bool = False, **kwargs: Any
    ) -> Self:
        if not _urls.is_linked(url):
            kwargs["single_connection_client"] = single_connection_client
            return super().from_url(url, **kwargs)
        pool = ConnectionPool.from_url(url, **kwargs)
        client = cls(connection_pool=pool, single_connection_client=single_connection_client)
        client.auto_close_connection_pool = True
        return client


def from_url(
    url: str, **kwargs: Any
) -> redis.asyncio.Redis | redis.asyncio.RedisCluster:
    """An asyncio client for any URL; see ``larder_redis.from_url``."""
    scheme, colon, rest = url.partition(":")
    if scheme in ("redis-cluster", "rediss-cluster"):
        scheme = scheme.removesuffix("-cluster")
        return redis.asyncio.RedisCluster.from_url(f"{scheme}{colon}{rest}", **kwargs)
    if _urls.is_linked(url):
        return Redis.from_url(url, **kwargs)
    return redis.asyncio.Redis.from_url(url, **kwargs)
