"""What can go wrong beyond redis-py's own exceptions; all of it is of redis-py's family."""

import redis.exceptions


class LarderError(redis.exceptions.RedisError):
    """A store in this process cannot do what was asked."""


class UrlError(LarderError, ValueError):
    """A URL that is no store's; redis-py raises ValueError for its own."""


class NotSupportedError(LarderError):
    """Something that this version does not have."""


class ForkError(LarderError):
    """A store of a parent process, used in its child."""
