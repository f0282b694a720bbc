"""The document's Flask code: both functions word for word, and the two lines that attach Redis.

Of its misprints only what cannot run is put right (`redis_cline`). It must not be adapted to Larder
in any way: that it runs unchanged is what is tested.
"""

import time

from flask import Flask
from flask_redis import FlaskRedis

redis_client = FlaskRedis()


def mark_dyn_data(id, data):
    user_id = str(id).encode('utf-8')
    data = str(data).encode('utf-8')
    expires = int(time.time()) + 60
    data_key = "dyn_data/%s" % user_id
    p = redis_client.pipeline()
    p.set(data_key, data)
    p.expireat(data_key, expires)
    p.execute()


def get_dyn_data(id):
    user_id = str(id).encode('utf-8')
    data_key = "dyn_data/%s" % user_id
    data = redis_client.get(data_key)
    if data:
        return int(data)
    return None


def create_app(redis_url):
    app = Flask(__name__)
    app.config["REDIS_URL"] = redis_url
    redis_client.init_app(app)

    @app.post("/dyn/<int:id>/<int:data>")
    def mark(id, data):
        mark_dyn_data(id, data)
        return {}

    @app.get("/dyn/<int:id>")
    def get(id):
        return {"data": get_dyn_data(id)}

    return app
