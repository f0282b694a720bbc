"""The patch that teaches redis-py the URLs of stores in this process."""

import functools

import redis.asyncio.connection
import redis.connection

from . import _urls
from .asyncio.connection import Connection as AsyncConnection
from .connection import Connection

_CLASSES = {redis.connection: Connection, redis.asyncio.connection: AsyncConnection}


def install() -> None:
    """Lets redis-py's own ``from_url``, sync and asyncio, open ``memory:``; so do all libraries
    that call it. Called again it does nothing; ``uninstall()`` takes it back."""
    for module, connection_class in _CLASSES.items():
        if not hasattr(module.parse_url, "_larder_original"):
            module.parse_url = _taught(module.parse_url, connection_class)


def uninstall() -> None:
    """Takes ``install()`` back. Clients that exist go on working."""
    for module in _CLASSES:
        module.parse_url = getattr(module.parse_url, "_larder_original", module.parse_url)


def is_installed() -> bool:
    """Whether redis-py knows the stores of this process."""
    return all(hasattr(module.parse_url, "_larder_original") for module in _CLASSES)


def _taught(original, connection_class):
    @functools.wraps(original)
    def parse_url(url):
        if _urls.is_linked(url):
            return _urls.options(url, connection_class)
        return original(url)

    parse_url._larder_original = original
    return parse_url
