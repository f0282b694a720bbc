// ioredis against the server at REDIS_URL; the package is in NODE_MODULES. Run by test_ioredis.py.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const { Redis } = createRequire(`${process.env.NODE_MODULES}/`)("ioredis");
const options = { maxRetriesPerRequest: 0, retryStrategy: null };
const client = new Redis(process.env.REDIS_URL, options);
const other = new Redis(process.env.REDIS_URL, options);

assert.equal(await client.set("k", "v", "EX", 60), "OK");
assert.equal(await client.get("k"), "v");
assert.deepEqual(await client.getBuffer("k"), Buffer.from("v"));
assert.equal(await client.get("none"), null);
await assert.rejects(client.incr("k"), /not an integer/);

const piped = await client.pipeline().incr("n").incr("n").lpush("k", "x").exec();
assert.deepEqual(piped.slice(0, 2), [[null, 1], [null, 2]]);
assert.match(piped[2][0].message, /^WRONGTYPE/);
assert.deepEqual(await client.multi().set("m", "1").incr("m").exec(), [[null, "OK"], [null, 2]]);

const taken = client.blpop("l", 10);
await other.rpush("l", "x");
assert.deepEqual(await taken, ["l", "x"]);

const found = [];
await client.mset(Object.fromEntries([...Array(200).keys()].map((n) => [`key:${n}`, n])));
for await (const keys of client.scanStream({ match: "key:*" })) found.push(...keys);
assert.equal(new Set(found).size, 200);

const message = new Promise((resolve) => other.once("message", (...words) => resolve(words)));
assert.equal(await other.subscribe("news"), 1);
assert.equal(await client.publish("news", "one"), 1);
assert.deepEqual(await message, ["news", "one"]);

client.disconnect();
other.disconnect();
