"""Larder inside the process, spoken to through redis-py.

``install()`` teaches redis-py's own ``from_url``, sync and asyncio, the scheme ``memory:``::

    import larder_redis, redis
    larder_redis.install()
    r = redis.from_url("memory:")

Without a patch: ``larder_redis.from_url("memory:")``, or ``larder_redis.Redis`` as the class that a
library takes. ``larder_redis.asyncio`` has the same for asyncio, ``larder_redis.Store`` is the
store without redis-py between. All that is opened under one name in one process is one store.
"""

import os as _os

from . import _larder
from ._install import install, uninstall
from ._larder import Store
from .client import Redis, from_url
from .connection import BlockingConnectionPool, Connection, ConnectionPool
from .exceptions import ForkError, LarderError, NotSupportedError, UrlError

__version__ = "0.1.0"

__all__ = [
    "BlockingConnectionPool",
    "Connection",
    "ConnectionPool",
    "ForkError",
    "LarderError",
    "NotSupportedError",
    "Redis",
    "Store",
    "UrlError",
    "from_url",
    "install",
    "uninstall",
]

# A child process must not touch what its parent opened.
_os.register_at_fork(after_in_child=_larder.forked)
