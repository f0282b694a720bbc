"""ioredis against the server: `ioredis.mjs` is run by node and says what went wrong."""

import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent
NODE_MODULES = os.environ.get("LARDER_NODE_MODULES", HERE.parents[1] / "target/npm/node_modules")


def test_ioredis(empty):
    environment = {**os.environ, "REDIS_URL": empty.url(), "NODE_MODULES": str(NODE_MODULES)}
    node = subprocess.run(
        ["node", HERE / "ioredis.mjs"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert node.returncode == 0, node.stdout + node.stderr
