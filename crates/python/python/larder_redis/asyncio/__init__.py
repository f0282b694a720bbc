"""The same for asyncio: no thread, a wait is a descriptor that the event loop watches."""

from .client import Redis, from_url
from .connection import BlockingConnectionPool, Connection, ConnectionPool

__all__ = ["BlockingConnectionPool", "Connection", "ConnectionPool", "Redis", "from_url"]
