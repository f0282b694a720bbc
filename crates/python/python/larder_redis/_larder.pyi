"""The extension module; import larder_redis instead."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

_Word = bytes | str | int
_Seconds = float | timedelta

class Store:
    """A store in this process, without redis-py between: ``Store("memory:")``."""

    def __init__(self, url: str = "memory:") -> None: ...
    def get(self, key: _Word) -> bytes | None:
        """The bytes at a key, or None."""
    def set(self, key: _Word, value: _Word, ttl: _Seconds | None = None) -> None:
        """Sets the value at a key; it goes after ``ttl`` seconds, or stays without."""
    def delete(self, key: _Word) -> bool:
        """Removes a key; whether it was there."""
    def expire(self, key: _Word, ttl: _Seconds) -> bool:
        """The key goes after ``ttl`` seconds; whether it is there."""
    def ttl(self, key: _Word) -> float | None:
        """How many seconds a key has left; None without an end, or without the key."""
    def incr(self, key: _Word, by: int = 1) -> int:
        """Adds to the number at a key, 0 where nothing is; the sum."""
    def mark_dyn_data(
        self, id: object, data: _Word, ttl: _Seconds | None = None
    ) -> None:
        """Keeps dynamic data of an id for ``ttl`` seconds from now, 60 without."""
    def get_dyn_data(self, id: object) -> int | bytes | None:
        """The dynamic data of an id: a number, or the bytes of something else; None when it is
        gone."""
    def mark_online(self, user: object) -> None:
        """A user is online from now on, for about five minutes."""
    def online(self) -> list[str]:
        """The users who are online, by name."""

class Session:
    """One client's conversation with a store, for connection classes."""

    def __init__(
        self,
        name: str,
        encoder: Any,
        error: Callable[[str], Exception],
        has_sets: bool,
        settings: list[tuple[str, str]] = ...,
        is_async: bool = False,
    ) -> None: ...
    def send(self, arguments: tuple[Any, ...]) -> None: ...
    def send_all(self, commands: list[Sequence[Any]]) -> None: ...
    def send_bytes(self, requests: bytes) -> None: ...
    def receive(self, raw: bool = False, push: bool = False) -> Any: ...
    def is_ready(self) -> bool: ...
    def is_push(self) -> bool: ...
    def was_push(self) -> bool: ...
    def fileno(self) -> int: ...
    def due_in(self) -> float | None: ...
    def id(self) -> int: ...
    def close(self) -> None: ...
    def shutdown(self, how: int | None = None) -> None: ...

class Clock:
    """The clock of a store for tests, which stands still until it is moved."""

    def now(self) -> float:
        """What the clock shows, in Unix seconds."""
    def advance(self, seconds: float) -> None:
        """Moves the clock forward. What is due by then has expired when this returns, and waits
        whose time is up have ended."""

def fresh(now: float) -> tuple[str, Clock]: ...
def forget(name: str) -> None: ...
def is_setting(name: str) -> bool: ...
def forked() -> None: ...
def parse_url(url: str) -> tuple[str, int | None, list[tuple[str, str]]]: ...
