"""redis-py's connection, with the store in this process where a socket would be.

Everything about a connection that is not its wire is redis-py's: the handshake, retries, health
checks, callbacks. A command runs when it is sent; what is waited for is a descriptor, by means that
gevent patches and signals interrupt.
"""

import math
import select
import time
from typing import Any, Self

import redis.connection
from redis.connection import UnixDomainSocketConnection
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

from . import _urls
from ._larder import Session
from ._parser import HAS_SETS, Parser

_UNSET = object()

# redis-py counts health checks by the wall clock up to 5.0, by the monotonic clock since.
_now = getattr(redis.connection.time, "monotonic", None) or redis.connection.time


class Packed(list):
    """Commands that were to become bytes and need not."""


class Connection(UnixDomainSocketConnection):
    """A connection of redis-py to a store in this process, for its connection pools."""

    port = 0

    def __init__(
        self,
        path: str = "memory:",
        parser_class: Any = None,
        command_packer: Any = None,
        settings: tuple[tuple[str, str], ...] = (),
        **kwargs: Any,
    ) -> None:
        self._settings = list(settings)
        super().__init__(path=path, **kwargs)
        if command_packer is not None:
            self._command_packer = command_packer
        self._packs = command_packer is not None

    @property
    def host(self):
        return self.path

    @host.setter
    def host(self, value):
        pass

    def set_parser(self, parser_class):
        self._parser = Parser(socket_read_size=self._socket_read_size)

    def connect(self):
        if self._sock is None:
            super().connect()

    def _connect(self):
        name = self.path.removeprefix("memory:")
        error = self._parser.parse_error
        return Session(name, self.encoder, error, HAS_SETS, self._settings)

    def send_command(self, *args, **kwargs):
        if self._packs:
            return super().send_command(*args, **kwargs)
        session = self._sock
        if session is None or self.health_check_interval:
            session = self._prepare(kwargs.get("check_health", True))
        try:
            session.send(args)
        except ConnectionError:
            self.disconnect()
            raise

    def send_packed_command(self, command, check_health=True):
        session = self._prepare(check_health)
        try:
            if isinstance(command, Packed):
                session.send_all(command)
            else:
                session.send_bytes(_bytes(command))
        except BaseException:
            self.disconnect()
            raise

    def _prepare(self, check_health):
        if self._sock is None:
            # Since redis-py 8 what connects before a command leaves the health check to it.
            connect = getattr(self, "connect_check_health", None)
            self.connect() if connect is None else connect(check_health=False)
        if check_health:
            self.check_health()
        return self._sock

    def pack_command(self, *args):
        return self._command_packer.pack(*args) if self._packs else Packed((args,))

    def pack_commands(self, commands):
        return super().pack_commands(commands) if self._packs else Packed(commands)

    def can_read(self, timeout=0):
        if self._sock is None:
            self.connect()
        session = self._sock
        try:
            return session.is_ready() or (timeout != 0 and self._wait(session, timeout))
        except ConnectionError:
            self.disconnect()
            raise

    def read_response(
        self,
        disable_decoding=False,
        *,
        timeout=_UNSET,
        disconnect_on_error=True,
        push_request=False,
    ):
        session = self._sock
        if session is None:
            raise ConnectionError("Connection closed by server.")
        try:
            response = session.receive(disable_decoding, push_request)
            if response is ... or push_request:
                response = self._read(session, response, disable_decoding, timeout, push_request)
        except ResponseError:
            self._note_health()
            raise
        except BaseException:
            if disconnect_on_error:
                self.disconnect()
            raise
        if self.health_check_interval:
            self._note_health()
        return response

    def _note_health(self):
        if self.health_check_interval:
            self.next_health_check = _now() + self.health_check_interval

    def _read(self, session, response, raw, timeout, push_request):
        """The way of all that is not a reply that is there already."""
        while True:
            if response is not ...:
                return self._pushed(session, response)
            if session.is_push():
                message = session.receive(raw, True)
                self._parser.push(message)
            elif not session.is_ready():
                seconds = self.socket_timeout if timeout is _UNSET else timeout
                if not self._wait(session, seconds):
                    raise TimeoutError(f"Timeout reading from {self._host_error()}")
            response = session.receive(raw, push_request)

    def _pushed(self, session, response):
        """A message goes through its handler; which replies are messages, RESP3 says."""
        if session.was_push():
            return self._parser.push(response)
        return response

    def _wait(self, session, seconds):
        """Waits until there is something to receive; whether there is."""
        until = None if seconds is None else time.monotonic() + seconds
        descriptor = session.fileno()
        while not session.is_ready():
            left = session.due_in()
            if until is not None:
                rest = until - time.monotonic()
                if rest <= 0:
                    return False
                left = rest if left is None else min(left, rest)
            wait_readable(descriptor, left)
        return True


class ConnectionPool(redis.ConnectionPool):
    """redis-py's pool; its ``from_url`` knows the stores of this process, too."""

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> Self:
        if not _urls.is_linked(url):
            return super().from_url(url, **kwargs)
        kwargs.update(_urls.options(url, Connection))
        return cls(**kwargs)


class BlockingConnectionPool(redis.BlockingConnectionPool):
    """redis-py's pool that waits for a free connection; see ``ConnectionPool``."""

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> Self:
        if not _urls.is_linked(url):
            return super().from_url(url, **kwargs)
        kwargs.update(_urls.options(url, Connection))
        return cls(**kwargs)


def wait_readable(descriptor, seconds):
    """Waits until a descriptor is readable or time has passed. Looks functions up at each call, so
    that whoever patches them is heard."""
    poll = getattr(select, "poll", None)
    if poll is None:
        select.select([descriptor], [], [], seconds)
        return
    poller = poll()
    poller.register(descriptor, select.POLLIN)
    poller.poll(None if seconds is None else math.ceil(seconds * 1000))


def _bytes(command):
    """Packed bytes of one piece or several."""
    if isinstance(command, str):
        return command.encode()
    if isinstance(command, (bytes, bytearray, memoryview)):
        return bytes(command)
    return b"".join(piece.encode() if isinstance(piece, str) else piece for piece in command)
