"""redis-py's asyncio connection, with the store in this process where a stream would be.

A wait is a descriptor that the event loop watches. Cancelling it ends the connection's session, and
with it the wait: no reply is left for the next one.
"""

import asyncio
import math
from typing import Any, Self

import redis.asyncio
from redis.asyncio.connection import UnixDomainSocketConnection
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

from .. import _urls
from .._larder import Session
from .._parser import HAS_SETS, AsyncParser
from ..connection import Packed, _bytes

# Replies that may be read one after the other before other tasks have their turn.
_TURN = 100


class _Stream:
    """What redis-py closes."""

    def __init__(self, session):
        self.close = session.close

    async def wait_closed(self):
        pass

    def get_extra_info(self, name, default=None):
        return default


class Connection(UnixDomainSocketConnection):
    """An asyncio connection of redis-py to a store in this process, for its connection pools."""

    port = 0

    def __init__(
        self,
        *,
        path: str = "memory:",
        parser_class: Any = None,
        settings: tuple[tuple[str, str], ...] = (),
        **kwargs: Any,
    ) -> None:
        self._settings = list(settings)
        self._turn = 0
        self._session = None
        super().__init__(path=path, **kwargs)

    @property
    def host(self):
        return self.path

    @host.setter
    def host(self, value):
        pass

    def set_parser(self, parser_class):
        self._parser = AsyncParser(socket_read_size=self._socket_read_size)

    async def connect(self):
        if self._reader is None:
            await super().connect()

    async def _connect(self):
        name = self.path.removeprefix("memory:")
        error = self._parser.parse_error
        self._session = Session(name, self.encoder, error, HAS_SETS, self._settings, True)
        self._reader = self._writer = _Stream(self._session)

    async def send_command(self, *args, **kwargs):
        if self._reader is None or self.health_check_interval:
            await self._prepare(kwargs.get("check_health", True))
        try:
            self._session.send(args)
        except ConnectionError:
            await self.disconnect(nowait=True)
            raise

    async def send_packed_command(self, command, check_health=True):
        await self._prepare(check_health)
        try:
            if isinstance(command, Packed):
                self._session.send_all(command)
            else:
                self._session.send_bytes(_bytes(command))
        except BaseException:
            await self.disconnect(nowait=True)
            raise

    async def _prepare(self, check_health):
        if self._reader is None:
            connect = getattr(self, "connect_check_health", None)
            await (self.connect() if connect is None else connect(check_health=False))
        if check_health:
            await self.check_health()

    def pack_command(self, *args):
        return Packed((args,))

    def pack_commands(self, commands):
        return Packed(commands)

    async def can_read(self):
        try:
            return self._session is not None and self._session.is_ready()
        except ConnectionError:
            await self.disconnect(nowait=True)
            raise

    can_read_destructive = can_read

    async def read_response(
        self,
        disable_decoding=False,
        timeout=None,
        *,
        disconnect_on_error=True,
        push_request=False,
    ):
        session = self._session
        if self._reader is None:
            raise ConnectionError("Connection closed by server.")
        try:
            self._turn += 1
            if self._turn >= _TURN:
                self._turn = 0
                await asyncio.sleep(0)
            response = session.receive(disable_decoding, push_request or False)
            if response is ... or push_request:
                response = await self._read(
                    session, response, disable_decoding, timeout, push_request
                )
                if response is ...:
                    # The caller's own time is over; the reply may still come.
                    return None
        except ResponseError:
            self._note_health()
            raise
        except BaseException:
            if disconnect_on_error:
                await self.disconnect(nowait=True)
            raise
        if self.health_check_interval:
            self._note_health()
        return response

    def _note_health(self):
        if self.health_check_interval:
            now = asyncio.get_running_loop().time()
            self.next_health_check = now + self.health_check_interval

    async def _read(self, session, response, raw, timeout, push_request):
        """The way of all that is not a reply that is there already; ``...`` if the caller's time
        is over."""
        seconds = self.socket_timeout if timeout is None else timeout
        if seconds == math.inf:
            seconds = None
        while True:
            if response is not ...:
                if session.was_push():
                    return await self._parser.push(response)
                return response
            if session.is_push():
                await self._parser.push(session.receive(raw, True))
            elif not session.is_ready():
                if not await self._wait(session, seconds):
                    if timeout is not None:
                        return ...
                    raise TimeoutError(f"Timeout reading from {self._host_error()}")
            response = session.receive(raw, bool(push_request))

    async def _wait(self, session, seconds):
        """Waits until there is something to receive; whether there is."""
        loop = asyncio.get_running_loop()
        until = None if seconds is None else loop.time() + seconds
        descriptor = session.fileno()
        while not session.is_ready():
            left = session.due_in()
            if until is not None:
                rest = until - loop.time()
                if rest <= 0:
                    return False
                left = rest if left is None else min(left, rest)
            await _readable(loop, descriptor, left)
        self._turn = 0
        return True

    async def process_invalidation_messages(self):
        while self._session.is_push():
            await self.read_response(push_request=True)


class ConnectionPool(redis.asyncio.ConnectionPool):
    """redis-py's pool; its ``from_url`` knows the stores of this process, too."""

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> Self:
        if not _urls.is_linked(url):
            return super().from_url(url, **kwargs)
        kwargs.update(_urls.options(url, Connection))
        return cls(**kwargs)


class BlockingConnectionPool(redis.asyncio.BlockingConnectionPool):
    """redis-py's pool that waits for a free connection; see ``ConnectionPool``."""

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> Self:
        if not _urls.is_linked(url):
            return super().from_url(url, **kwargs)
        kwargs.update(_urls.options(url, Connection))
        return cls(**kwargs)


async def _readable(loop, descriptor, seconds):
    """Waits until a descriptor is readable or time has passed."""
    done = loop.create_future()
    timer = None if seconds is None else loop.call_later(seconds, _finish, done)
    loop.add_reader(descriptor, _finish, done)
    try:
        await done
    finally:
        loop.remove_reader(descriptor)
        if timer is not None:
            timer.cancel()


def _finish(future):
    if not future.done():
        future.set_result(None)
