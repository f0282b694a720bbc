"""What the tests of the wheel share. The fixture `larder` comes with the wheel itself."""

import subprocess
import sys

import pytest
import redis

# Nothing here takes this long; a process that does hangs.
HANG_SECONDS = 30


def connect(client):
    """A connection of a client's pool; redis-py 5.0 wants to know what for."""
    if redis.__version__.startswith("5.0."):
        return client.connection_pool.get_connection("_")
    return client.connection_pool.get_connection()


@pytest.fixture
def r(larder):
    """A client of a fresh store."""
    with larder.client() as client:
        yield client


@pytest.fixture
def run_python():
    """Runs a program in a process of its own; its output."""

    def run(program, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run
