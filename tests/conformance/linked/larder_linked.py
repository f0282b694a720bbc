"""A pytest plugin: redis-py's tests on a store in their own process.

`install()` is what an app does. The suite's fixture for synchronous clients names its class of
connections itself instead of taking that of the URL, so it is given ours under that name.
"""

import sys

import larder_redis

larder_redis.install()


def pytest_sessionstart(session):
    fixtures = sys.modules.get("tests.conftest")
    if fixtures is not None:
        fixtures.Connection = larder_redis.Connection
