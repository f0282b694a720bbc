"""The pytest fixture ``larder``: a fresh store for each test, and a clock that the test moves."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import redis
    import redis.asyncio

    from . import Store
    from ._larder import Clock


class Larder:
    """A store of its own. ``url`` opens it through ``redis.from_url`` and all that calls it."""

    url: str
    clock: "Clock"

    def __init__(self) -> None:
        from . import _larder

        self._name, self.clock = _larder.fresh(time.time())
        self.url = f"memory:{self._name}"

    def client(self, **kwargs: Any) -> "redis.Redis":
        """A redis-py client."""
        from . import Redis

        return Redis.from_url(self.url, **kwargs)

    def async_client(self, **kwargs: Any) -> "redis.asyncio.Redis":
        """A redis-py client for asyncio."""
        from .asyncio import Redis

        return Redis.from_url(self.url, **kwargs)

    def store(self) -> "Store":
        """The store without redis-py between."""
        from . import Store

        return Store(self.url)


@pytest.fixture
def larder() -> Iterator[Larder]:
    """A fresh store, gone after the test. Its clock stands still until the test moves it, with
    ``larder.clock.advance(seconds)``. redis-py knows the scheme ``memory:`` meanwhile."""
    from . import _install, _larder

    was_installed = _install.is_installed()
    _install.install()
    store = Larder()
    yield store
    _larder.forget(store._name)
    if not was_installed:
        _install.uninstall()
