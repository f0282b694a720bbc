"""The example app, as a reader starts it: only REDIS_URL names the server."""

import importlib.util
import pathlib

import pytest

APP = pathlib.Path(__file__).parents[2] / "examples/flask/app.py"


@pytest.fixture
def web(empty, monkeypatch):
    monkeypatch.setenv("REDIS_URL", empty.url())
    spec = importlib.util.spec_from_file_location("example_app", APP)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.create_app().test_client()


def test_marks_and_reads(web):
    assert web.get("/dyn/7").json == {"data": None}
    assert web.post("/dyn/7/100").json == {"marked": 100}
    assert web.get("/dyn/7").json == {"data": 100}
