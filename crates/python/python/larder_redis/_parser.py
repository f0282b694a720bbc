"""What redis-py asks of a parser beyond parsing: handlers of pushed messages, and its exceptions.

Replies need no parser here; they come as Python objects.
"""

import inspect

import redis
from redis._parsers.resp3 import _AsyncRESP3Parser, _RESP3Parser


# RESP3's sets became sets up to redis-py 5.0, and become lists since.
HAS_SETS = redis.__version__.startswith("5.0.")


class Parser(_RESP3Parser):
    """Takes the place of a parser in a connection."""

    def on_connect(self, connection):
        self.encoder = connection.encoder

    def on_disconnect(self):
        self.encoder = None

    def push(self, message):
        """Hands a message that nobody asked for to its handler."""
        # Named differently up to redis-py 5.0.
        handle = getattr(self, "push_handler_func", None) or self.handle_push_response
        return handle(message)


class AsyncParser(_AsyncRESP3Parser):
    """The same for asyncio."""

    def on_connect(self, connection):
        self.encoder = connection.encoder
        self._connected = True

    def on_disconnect(self):
        self._connected = False

    async def push(self, message):
        handle = getattr(self, "push_handler_func", None) or self.handle_push_response
        result = handle(message)
        return await result if inspect.isawaitable(result) else result
