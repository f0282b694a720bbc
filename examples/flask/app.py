"""The document's app: two lines give a Flask app its store, two functions keep a number a user.

    pip install -r requirements.txt
    REDIS_URL=redis://localhost:6379/0 flask --app app run
    curl -X POST localhost:5000/dyn/7/100 ; curl localhost:5000/dyn/7

Works with Larder, Redis and Valkey: only the URL changes.
"""

import os
import time

from flask import Flask
from flask_redis import FlaskRedis

redis_client = FlaskRedis()


def mark_dyn_data(id, data):
    user_id = str(id).encode("utf-8")
    data = str(data).encode("utf-8")
    expires = int(time.time()) + 60
    data_key = "dyn_data/%s" % user_id
    p = redis_client.pipeline()
    p.set(data_key, data)
    p.expireat(data_key, expires)
    p.execute()


def get_dyn_data(id):
    user_id = str(id).encode("utf-8")
    data_key = "dyn_data/%s" % user_id
    data = redis_client.get(data_key)
    if data:
        return int(data)
    return None


def create_app():
    app = Flask(__name__)
    app.config["REDIS_URL"] = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
    redis_client.init_app(app)

    @app.post("/dyn/<int:id>/<int:data>")
    def mark(id, data):
        mark_dyn_data(id, data)
        return {"marked": data}

    @app.get("/dyn/<int:id>")
    def get(id):
        return {"data": get_dyn_data(id)}

    return app
