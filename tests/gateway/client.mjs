// Rivet's own client against a server: node client.mjs ENDPOINT SCENARIO. Prints what it was told as JSON.

import { createClient } from "rivetkit/client";

const [endpoint, scenario, ...rest] = process.argv.slice(2);

const refusal = (promise) =>
  promise.then(
    (value) => ({ value }),
    (error) => ({ group: error.group, code: error.code, message: error.message, metadata: error.metadata }),
  );

const kind = (value) => ({ type: value?.constructor?.name ?? String(value), text: String(value) });

const scenarios = {
  async addresses() {
    const client = createClient({ endpoint, encoding: "json" });
    const gauge = client["rivet.gauge"];
    const handle = gauge.getOrCreate(["main", "x/y"], { createWithInput: { start: 10, when: new Map([["a", 1n]]) } });
    const told = {};
    told.first = await handle.send("step", { amount: 5 }, { wait: true, timeout: 15000 });
    told.who = await handle.who();
    told.id = await handle.resolve();
    told.got = await gauge.get(["main", "x/y"]).send("step", { amount: 1 }, { wait: true, timeout: 15000 });
    told.gotId = await gauge.get(["main", "x/y"]).resolve();
    told.forId = await gauge.getForId(told.id).send("step", { amount: 1 }, { wait: true, timeout: 15000 });
    const created = await gauge.create(["made"], { input: { start: 100 } });
    told.created = await created.send("step", { amount: 1 }, { wait: true, timeout: 15000 });
    told.createdAgain = await refusal(gauge.create(["made"]));
    told.noParts = await gauge.getOrCreate([]).who();
    told.text = await gauge.getOrCreate("text").who();
    told.resolvedUnused = await gauge.getForId(await gauge.getOrCreate("unused").resolve()).who();
    told.absent = await refusal(gauge.get(["absent"]).resolve());
    return told;
  },

  async sending() {
    const client = createClient({ endpoint, encoding: "json" });
    const gauge = client["rivet.gauge"].getOrCreate("sending");
    const mirror = client["rivet.mirror"].getOrCreate("sending");
    const silent = client["rivet.silent"].getOrCreate("sending");
    const told = {};
    told.noWait = kind(await gauge.send("step", { amount: 1 }));
    told.wait = await gauge.send("step", { amount: 1 }, { wait: true });
    told.timedOut = await silent.send("letters", "x", { wait: true, timeout: 100 });
    told.noReply = await mirror.send("ring", undefined, { wait: true, timeout: 15000 });
    told.many = await Promise.all(
      [...Array(20).keys()].map((n) =>
        client["rivet.mirror"].getOrCreate(`m${n % 4}`).send("anything", n, { wait: true, timeout: 15000 }),
      ),
    ).then((answers) => answers.map((answer) => answer.response));
    const values = [null, true, 1.5, "ü\u2028$", ["$BigInt", "7"], ["$$x", ["$y", {}]], { $Set: [[], {}] }, [["$"]]];
    told.same = await Promise.all(
      values.map(async (value) => {
        const { response } = await mirror.send("anything", value, { wait: true, timeout: 15000 });
        return JSON.stringify(response) === JSON.stringify(value);
      }),
    );
    told.bigint = kind((await mirror.send("anything", 2n ** 64n, { wait: true, timeout: 15000 })).response);
    told.bytes = (await mirror.send("binary", new Uint8Array([0, 251, 255]), { wait: true, timeout: 15000 })).response;
    told.buffer = (
      await mirror.send("binary", new Uint8Array([1, 2]).buffer, { wait: true, timeout: 15000 })
    ).response;
    return told;
  },

  async actions() {
    const client = createClient({ endpoint, encoding: "json" });
    const mirror = client["rivet.mirror"].getOrCreate("actions");
    const gauge = client["rivet.gauge"].getOrCreate("actions");
    const told = {};
    await gauge.send("step", { amount: 7 }, { wait: true, timeout: 15000 });
    told.read = await gauge.read();
    told.tripled = await gauge.action({ name: "read", args: [3] });
    const { large, bytes, pair, set } = await mirror.numbers();
    told.kinds = { large: kind(large), bytes: [bytes.constructor.name, ...bytes], pair, set: [...set] };
    told.bigint = kind(await mirror.echo(-(2n ** 60n)));
    told.bytes = [...(await mirror.echo(new Uint8Array([7, 8])))];
    told.object = await mirror.echo({ a: [["$x", 1]], b: undefined });
    return told;
  },

  async errors() {
    const client = createClient({ endpoint, encoding: "json" });
    const mirror = client["rivet.mirror"].getOrCreate("errors");
    const gauge = client["rivet.gauge"].getOrCreate("errors");
    const told = {};
    told.failed = await refusal(mirror.send("refuse", "not today", { wait: true, timeout: 15000 }));
    told.body = await refusal(gauge.send("step", { amount: "many" }));
    told.queue = await refusal(gauge.send("stepp", {}));
    told.action = await refusal(gauge.reed());
    told.arguments = await refusal(gauge.read(1, 2, 3));
    told.type = await refusal(client["rivet.gouge"].getOrCreate("x").send("step", {}));
    told.large = await refusal(mirror.send("anything", "x".repeat(70000)));
    told.broken = await refusal(gauge.broken());
    told.absent = await refusal(client["rivet.gauge"].getForId("0".repeat(32) + "-1").read());
    return told;
  },

  async people(user) {
    const told = {};
    const asUser = createClient({ endpoint, encoding: "json", token: "ada" });
    told.hello = await asUser["rivet.members"].getOrCreate(user).hello();
    told.id = await asUser["rivet.members"].getOrCreate(user).resolve();
    told.helloForId = await asUser["rivet.members"].getForId(told.id).hello();
    told.wrongKey = await refusal(asUser["rivet.members"].getOrCreate("0").hello());
    const withHeader = createClient({ endpoint, encoding: "json", headers: { Authorization: "Bearer ada" } });
    told.header = await withHeader["rivet.members"].get(user).hello();
    const nobody = createClient({ endpoint, encoding: "json" });
    told.nobody = await refusal(nobody["rivet.members"].getOrCreate(user).hello());
    const gated = (params) => nobody["rivet.gated"].getOrCreate("g", { params });
    told.noParams = await refusal(gated(undefined).send("notes", "x"));
    told.params = await refusal(gated({ password: "sesame" }).send("notes", "x"));
    return told;
  },

  async connection() {
    const client = createClient({ endpoint, encoding: "json", token: "ada" });
    const told = { events: [], mirrored: [] };
    const conn = client["rivet.gauge"].getOrCreate(["live"], { createWithInput: { start: 5 } }).connect();
    const third = new Promise((resolve) => {
      conn.on("stepped", (data) => told.events.push(data.value) === 3 && resolve());
    });
    told.refused = await refusal(conn.reed());
    for (const amount of [1, 2, 3]) await conn.send("step", { amount }, { wait: true, timeout: 15000 });
    await third;
    told.read = await conn.read(2);
    told.status = conn.connStatus;
    await conn.dispose();

    const mirror = client["rivet.mirror"].getOrCreate("live").connect();
    const heard = (event) => new Promise((resolve) => mirror.once(event, (...args) => resolve(args)));
    const [progress, all, mine, shouted] = ["progress", "all", "mine", "shouted"].map(heard);
    told.wait = await Promise.all([mirror.wait(0.2), mirror.wait(0.1), mirror.echo(3n ** 40n)]).then(
      ([first, second, big]) => [first, second, kind(big)],
    );
    await mirror.send("notify", "for you", { wait: true, timeout: 15000 });
    told.progress = (await progress)[0];
    told.all = kind((await all)[0]);
    told.mine = await mine;
    await mirror.shout("hey");
    told.shouted = await shouted;
    await mirror.dispose();

    const id = await client["rivet.gauge"].getOrCreate(["live"]).resolve();
    const byId = client["rivet.gauge"].getForId(id).connect();
    told.byId = await byId.who();
    await byId.dispose();
    return told;
  },

  async refusedConnections() {
    const told = {};
    const attempt = async (handle) => {
      const conn = handle.connect();
      const error = await new Promise((resolve) => conn.onError(resolve));
      await conn.dispose();
      return { group: error.group, code: error.code, message: error.message };
    };
    const client = createClient({ endpoint, encoding: "json" });
    told.nobody = await attempt(client["rivet.members"].getOrCreate("1"));
    told.unexposed = await attempt(client["rivet.unexposed"].getOrCreate("1"));
    told.params = await attempt(client["rivet.gated"].getOrCreate("g", { params: { password: "guess" } }));
    const gated = client["rivet.gated"].get("g", { params: { password: "sesame", "ü": "%" } }).connect();
    await gated.ready;
    told.letIn = gated.connStatus;
    await gated.dispose();
    const hidden = client["rivet.silent"].getOrCreate("s").connect();
    const denied = new Promise((resolve) => hidden.onError((error) => resolve(`${error.group}.${error.code}`)));
    hidden.on("anything", () => {});
    told.hiddenEvents = [await denied, hidden.connStatus];
    await hidden.dispose();
    for (const encoding of ["bare", "cbor"]) {
      told[encoding] = await attempt(createClient({ endpoint, encoding })["rivet.mirror"].getOrCreate("x"));
    }
    return told;
  },

  // Prints a line for each event until it is ended.
  async listen() {
    const client = createClient({ endpoint, encoding: "json" });
    const conn = client["rivet.mirror"].getOrCreate("listening").connect();
    conn.on("shouted", (data) => console.log("heard", JSON.stringify(data)));
    conn.onError((error) => console.log("error", error.code));
    conn.onStatusChange((status) => console.log("status", status));
    console.log("echo", await conn.echo("listening"));
    await new Promise(() => setInterval(() => {}, 1000));
  },

  async encodings() {
    const told = {};
    for (const encoding of ["bare", "cbor"]) {
      const client = createClient({ endpoint, encoding });
      told[encoding] = await refusal(client["rivet.mirror"].getOrCreate("x").echo(1));
    }
    return told;
  },
};

console.log(JSON.stringify(await scenarios[scenario](...rest)));
process.exit(0);
