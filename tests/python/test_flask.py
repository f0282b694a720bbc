"""The document's own Flask code, unmodified, on a store in the process."""

import importlib.util
import pathlib
import types

import larder_redis
import pytest
from flask import Flask
from flask_redis import FlaskRedis

DOCUMENT = pathlib.Path(__file__).parents[1] / "clients/flask_doc/app.py"


@pytest.fixture
def document(larder):
    specification = importlib.util.spec_from_file_location("document_app", DOCUMENT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    # The document asks the host for the time; here the test moves it.
    module.time = types.SimpleNamespace(time=larder.clock.now)
    module.app_under_test = module.create_app(larder.url)
    return module


def test_marks_and_reads_dynamic_data(document, larder):
    assert document.get_dyn_data(7) is None
    document.mark_dyn_data(7, 100)
    assert document.get_dyn_data(7) == 100
    larder.clock.advance(58)
    assert document.get_dyn_data(7) == 100
    larder.clock.advance(2)
    assert document.get_dyn_data(7) is None


def test_through_http(document):
    web = document.app_under_test.test_client()
    assert web.get("/dyn/7").json == {"data": None}
    assert web.post("/dyn/7/100").status_code == 200
    assert web.get("/dyn/7").json == {"data": 100}


def test_a_provider_instead_of_the_patch(larder):
    larder_redis.uninstall()
    extension = FlaskRedis.from_custom_provider(larder_redis.Redis)
    app = Flask("app")
    app.config["REDIS_URL"] = larder.url
    extension.init_app(app)
    extension.set("key", 1)
    assert extension.get("key") == b"1"
    assert isinstance(extension._redis_client, larder_redis.Redis)
