"""URLs of stores in this process, as keyword arguments of redis-py's connection pools.

What a URL may say is read by the extension module; the options behind ``?`` are those that redis-py
knows for its own URLs, so far as they mean anything here, and settings of the store.
"""

from redis.connection import URL_QUERY_ARGUMENT_PARSERS, to_bool

from ._larder import is_setting, parse_url
from .exceptions import UrlError

SCHEMES = ("memory:", "larder:")

_PARSERS = {
    **URL_QUERY_ARGUMENT_PARSERS,
    "client_name": str,
    "decode_responses": to_bool,
    "encoding": str,
    "encoding_errors": str,
    "password": str,
    "protocol": int,
    "socket_read_size": int,
    "username": str,
}
_PARSERS = {
    name: parser
    for name, parser in _PARSERS.items()
    if not name.startswith(("ssl_", "socket_keepalive"))
}


def is_linked(url):
    """Whether a URL names a store in this process."""
    return isinstance(url, str) and url.lower().startswith(SCHEMES)


def options(url, connection_class):
    """The keyword arguments that a URL stands for."""
    name, db, pairs = parse_url(url)
    arguments = {"path": f"memory:{name}", "connection_class": connection_class}
    if db is not None:
        arguments["db"] = db
    settings = []
    for option, text in pairs:
        parser = _PARSERS.get(option)
        if parser is None and is_setting(option):
            settings.append((option, text))
            continue
        if parser is None:
            known = ", ".join(sorted(_PARSERS))
            raise UrlError(
                f"{url}: there is no option '{option}'; there are {known} and the settings of "
                "redis.conf"
            )
        try:
            arguments[option] = parser(text)
        except (TypeError, ValueError):
            raise UrlError(f"{url}: '{text}' is no value of the option '{option}'") from None
    if settings:
        arguments["settings"] = tuple(settings)
    return arguments
