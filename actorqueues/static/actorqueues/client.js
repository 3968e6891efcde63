/* actorqueues: actors over one WebSocket, from a browser. No dependencies, no build step.
 *
 *   import { createClient } from "/static/actorqueues/client.js";
 *   const client = createClient();
 *   const counter = client.counter.getOrCreate(["main"]);
 *   await counter.send("increment", { amount: 5 }, { wait: true, timeout: 5000 });
 *   counter.on("changed", (data) => show(data));
 *
 * The protocol is in docs/reference/websocket.md. Types are in client.d.ts beside this file.
 */

const SUBPROTOCOL = "actorqueues.v1";
const FIRST_PAUSE = 1000; // ms, at most, before the first attempt to connect again; doubled from one to the next
const LONGEST_PAUSE = 30000;
const LASTING = 10000; // ms that a connection lasts before the pauses begin anew
const SILENCE = 2.5; // heartbeats without a word from the server, then the connection is taken for dead
const GRACE = 5000; // ms that the server's own answer may be late, unless there is no connection
const SURE = 0.9; // of the time that an idempotency key lasts: what is sent again takes a while to arrive
const LONGEST_TIMER = 2 ** 31 - 1; // ms; beyond it browsers call at once
const FIRST_GENERATION = 1; // of an actor that is not there yet
const MOST_NAMES = 100; // of events in one subscription
const FINAL_CODES = new Set([4401]); // the session has ended: only a new login helps
const TOO_LARGE = new Set([4413, 1009]); // 1009: the web server's own limit, or a proxy's
const NOT_UNDERSTOOD = 4400;
const OWN_NAMES = new Set(["then", "toJSON", "constructor", "prototype"]); // what runtimes ask of any object

/** What the server refuses. `code` is `group.code`, as in the REST API. */
export class ActorError extends Error {
  constructor({ group = "client", code = "error", message = "", metadata = {} } = {}) {
    super(message);
    this.name = "ActorError";
    this.code = `${group}.${code}`;
    this.metadata = metadata;
  }
}

const endedError = () => new ActorError({ group: "auth", code: "session_ended", message: "The session has ended." });
const closedError = () => new ActorError({ code: "closed", message: "The client was closed." });

/** `sent`: whether the request has left, so that the server may have taken it. */
const lostError = (message, sent) => new ActorError({ code: "connection_lost", message, metadata: { sent } });

function tooLarge(size, limit) {
  const message = `The frame is too large (${size} bytes). Limit is ${limit ?? "?"} bytes.`;
  return new ActorError({ group: "queue", code: "message_too_large", message, metadata: { size, limit } });
}

/** Calls what the page gave. What that throws is the page's own mistake: it is reported, and stops nothing here. */
function callOut(listener, ...values) {
  try {
    listener?.(...values);
  } catch (error) {
    (globalThis.reportError ?? console.error)(error);
  }
}

/** Waits for an answer. Its text is made at once: what the page changes in the body later is not sent. */
class Request {
  constructor(frame, timeout) {
    this.id = frame.id;
    this.type = frame.type;
    this.written = JSON.stringify(frame);
    if (Number.isFinite(timeout) && timeout >= 0) this.deadline = performance.now() + timeout;
    this.answer = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    // this.leftAt: when it left first; this.socket: what it left on last
  }

  /** What leaves later has what is left of its time. */
  writtenLater() {
    if (this.deadline === undefined) return this.written;
    return JSON.stringify({ ...JSON.parse(this.written), timeout: Math.max(0, this.deadline - performance.now()) });
  }
}

/** Asks the server, connects again when the connection is lost, and goes on where it was. */
class Connection {
  constructor(url, options) {
    this.url = url;
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.status = "idle"; // connecting, connected, waiting, closed
    this.watchers = new Set();
    this.requests = new Map(); // id → Request: unanswered
    this.topics = new Map(); // name → Topic: what is listened to
    this.lastId = 0;
    this.failures = 0;
    this.begunAt = Infinity;
    // The server says:
    this.user = undefined; // an id; null: nobody
    this.heartbeat = 25000; // ms
    this.maxBytes = Infinity; // of a frame
    this.sure = Infinity; // ms in which a message that is sent again is not doubled
  }

  // Requests

  ask(frame, timeout) {
    if (this.status === "closed") return Promise.reject(closedError());
    const request = new Request({ ...frame, id: ++this.lastId }, timeout);
    this.requests.set(request.id, request);
    if (request.deadline !== undefined)
      request.timer = setTimeout(() => this.overdue(request), Math.min(timeout, LONGEST_TIMER));
    this.leave(request);
    return request.answer;
  }

  /** What cannot leave now leaves when the connection is there: `begin` sends what is unanswered. */
  leave(request, text = request.written) {
    if (this.status !== "connected") {
      this.connect();
      return;
    }
    request.size = bytesOf(text);
    if (request.size > this.maxBytes) {
      this.answered(request.id).reject(tooLarge(request.size, this.maxBytes));
      return;
    }
    request.socket = this.socket;
    request.leftAt ??= Date.now(); // by the clock: other timers stand still while a computer sleeps
    this.socket.send(text);
  }

  /** A send carries a key that lasts for a while: till then none is doubled. A clock set back tells nothing. */
  leaveAgain(request) {
    const age = Date.now() - request.leftAt; // NaN: it has never left
    const problem = "The connection was lost for so long that it cannot be sent again: it may be stored.";
    if (age < 0 || age > this.sure) this.answered(request.id).reject(lostError(problem, true));
    else this.leave(request, request.writtenLater());
  }

  /** The server itself tells what timed out: it, or the connection, is late for a moment at most. */
  overdue(request) {
    if ((this.status === "connected" || this.status === "connecting") && !request.isLate) {
      request.isLate = true;
      request.timer = setTimeout(() => this.overdue(request), GRACE);
      return;
    }
    const sent = request.leftAt !== undefined;
    const why = sent ? "There was no answer in time: it may be stored." : "There was no connection: it was not sent.";
    this.answered(request.id).reject(lostError(why, sent));
  }

  answered(id) {
    const request = this.requests.get(id);
    clearTimeout(request?.timer);
    this.requests.delete(id);
    return request;
  }

  // The connection

  connect() {
    if (this.status === "connecting" || this.status === "connected" || this.status === "closed") return;
    clearTimeout(this.timer);
    const socket = (this.socket = new this.WebSocket(this.url, [SUBPROTOCOL]));
    socket.addEventListener("message", (event) => this.socket === socket && this.take(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => this.socket === socket && this.lost(event.code));
    this.listenForSilence();
    this.setStatus("connecting");
  }

  lost(code) {
    clearTimeout(this.silence);
    const socket = this.socket;
    this.socket = undefined;
    if (FINAL_CODES.has(code)) {
      this.close(endedError());
      return;
    }
    this.refuseCulprits(code, socket);
    this.failCalls();
    // A server that takes connections and ends each at once gets longer pauses, as one that takes none.
    if (performance.now() - this.begunAt > LASTING) this.failures = 0;
    this.begunAt = Infinity;
    this.setStatus("waiting");
    if (this.status === "waiting") this.connectLater(); // else a watcher has closed it, or asked for something
  }

  connectLater() {
    if (this.requests.size === 0 && this.topics.size === 0) {
      this.setStatus("idle"); // nobody needs it: the next request connects
      return;
    }
    // Full jitter: a thousand browsers do not come back at the same moment.
    const pause = Math.random() * Math.min(FIRST_PAUSE * 2 ** this.failures++, LONGEST_PAUSE);
    this.timer = setTimeout(() => this.connect(), pause);
  }

  /** What made the server end the connection would end the next one too. Which frame it was it does not say. */
  refuseCulprits(code, socket) {
    const sent = [...this.requests.values()].filter((request) => request.socket === socket);
    if (TOO_LARGE.has(code) && sent.length) {
      const largest = sent.reduce((one, other) => (other.size > one.size ? other : one));
      const limit = Number.isFinite(this.maxBytes) ? this.maxBytes : null;
      this.answered(largest.id).reject(tooLarge(largest.size, limit));
    } else if (code === NOT_UNDERSTOOD) {
      const problem = { group: "socket", code: "frame_invalid", message: "The server did not understand a frame." };
      for (const { id } of sent) this.answered(id).reject(new ActorError(problem));
    }
  }

  /** An action may have run, and may send: nobody but the caller knows whether it may run once more. */
  failCalls() {
    for (const { id, type, leftAt } of this.requests.values())
      if (type === "call" && leftAt !== undefined)
        this.answered(id).reject(lostError("The connection was lost before the action had answered.", true));
  }

  /** Keys are each user's own: what left as nobody's would be stored once more as that of who is logged in now. */
  failSends() {
    const problem = "Somebody has logged in since it was sent: it may be stored.";
    for (const { id, leftAt } of this.requests.values())
      if (leftAt !== undefined) this.answered(id).reject(lostError(problem, true));
  }

  /** A network can go away without a word. The server's pings come more often than this. */
  listenForSilence() {
    clearTimeout(this.silence);
    const socket = this.socket;
    this.silence = setTimeout(() => {
      socket.close();
      if (this.socket === socket) this.lost(1006);
    }, this.heartbeat * SILENCE);
  }

  setStatus(status) {
    if (this.status === status) return;
    this.status = status;
    for (const watcher of [...this.watchers]) if (this.status === status) callOut(watcher, status);
  }

  close(error = closedError()) {
    this.setStatus("closed");
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.socket?.close();
    this.socket = undefined;
    for (const id of [...this.requests.keys()]) this.answered(id).reject(error);
    for (const topic of [...this.topics.values()]) topic.fail(error);
  }

  // What the server says

  take(frame) {
    this.listenForSilence();
    if (frame.type === "hello") this.begin(frame);
    else if (frame.type === "ping") this.say({ type: "pong", ping: frame.ping });
    else if (frame.type === "reply") this.answered(frame.id)?.resolve(frame);
    else if (frame.type === "error") this.refused(frame);
    else for (const topic of [...this.topics.values()]) topic.take(frame);
  }

  begin(hello) {
    // What somebody has asked for is not asked again as somebody else.
    if (this.user && hello.user !== this.user) {
      this.close(endedError());
      return;
    }
    if (this.user === null && hello.user !== null) this.failSends();
    this.user = hello.user ?? null;
    this.begunAt = performance.now();
    this.heartbeat = hello.heartbeat ?? this.heartbeat;
    this.maxBytes = hello.max_bytes ?? Infinity;
    this.sure = (hello.retention ?? Infinity) * SURE;
    this.setStatus("connected");
    // What a watcher has asked for has left by now.
    for (const topic of this.topics.values()) if (topic.socket !== this.socket) topic.open();
    for (const request of this.requests.values()) if (request.socket !== this.socket) this.leaveAgain(request);
  }

  refused({ id, error }) {
    const problem = new ActorError(error);
    const request = this.answered(id);
    if (request) request.reject(problem);
    else for (const topic of [...this.topics.values()]) if (topic.id === id) topic.refused(problem);
  }

  say(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  // Topics

  /** Returns what ends it. */
  listen(name, make, listener) {
    if (this.status === "closed") throw closedError();
    const topic = this.topics.get(name) ?? make(name);
    this.topics.set(name, topic);
    topic.listeners.add(listener);
    if (this.status === "connected") topic.joined(listener);
    else this.connect();
    return () => topic.remove(listener);
  }

  drop(topic) {
    if (this.topics.get(topic.name) !== topic) return;
    this.topics.delete(topic.name);
    if (this.status === "connected") this.say({ ...topic.farewell(), id: ++this.lastId });
  }
}

/** Something that is listened to, on this connection and on those that follow it. */
class Topic {
  constructor(connection, name) {
    this.connection = connection;
    this.name = name;
    this.listeners = new Set();
    // this.socket: what it was opened on; this.id: of the request that did
  }

  open() {
    this.greet(this.greeting());
  }

  greet(frame) {
    this.socket = this.connection.socket;
    this.id = ++this.connection.lastId;
    this.connection.say({ ...frame, id: this.id });
  }

  joined() {
    if (this.socket !== this.connection.socket) this.open();
  }

  remove(listener) {
    this.listeners.delete(listener);
    if (this.listeners.size === 0) this.connection.drop(this);
  }

  /** A listener may have ended another, or itself. */
  tellOne(listener, name, ...values) {
    if (this.listeners.has(listener)) callOut(listener[name], ...values);
  }

  tell(name, ...values) {
    for (const listener of [...this.listeners]) this.tellOne(listener, name, ...values);
  }

  refused(error) {
    this.fail(error);
  }

  /** Forgotten before it is told: whoever then listens again, begins anew. */
  fail(error) {
    if (this.connection.topics.get(this.name) === this) this.connection.topics.delete(this.name);
    this.tell("error", error);
  }
}

/** The events of one actor.
 *
 * The server has one subscription to it, with the names of all that listen here: so a listener that comes makes it
 * anew. Each knows the number that it has heard last (`after`), and whether the subscription is its own too (`stands`).
 * Where one of several is not let in the server refuses them all: then they are asked for singly.
 */
class ActorTopic extends Topic {
  constructor(connection, name, address) {
    super(connection, name);
    this.address = address;
  }

  open() {
    this.socket = this.connection.socket;
    for (const listener of this.listeners) listener.stands = false;
    this.asked = []; // those whom the request under way is for
    this.singly = false;
    this.subscribe();
  }

  joined(listener) {
    if (this.socket !== this.connection.socket) this.open();
    else if (listener.after === undefined && this.hears(listener.name)) this.joinIn(listener);
    else this.subscribe();
  }

  standing() {
    return [...this.listeners].filter(({ stands }) => stands);
  }

  hears(name) {
    return this.standing().some((other) => other.name === name || other.name === "*");
  }

  joinIn(listener) {
    listener.after = Math.max(...this.standing().map(({ after }) => after));
    listener.stands = true;
    const standing = { number: listener.after, generation: this.generation ?? null };
    queueMicrotask(() => this.tellOne(listener, "subscribed", standing)); // not before on() has returned
  }

  /** One request after another: so it is known whom an answer is about. */
  subscribe() {
    if (this.asked.length || this.socket !== this.connection.socket) return; // a listener may have closed the client
    const missing = [...this.listeners].filter(({ stands }) => !stands);
    if (missing.length === 0) this.singly = false;
    else {
      this.asked = this.singly ? missing.slice(0, 1) : missing;
      this.greet(this.greeting([...this.standing(), ...this.asked]));
    }
  }

  greeting(listeners) {
    const names = new Set(listeners.map(({ name }) => name));
    const numbers = listeners.map(({ after }) => after).filter((after) => after !== undefined);
    return {
      type: "subscribe",
      ...this.address,
      events: names.has("*") || names.size > MOST_NAMES ? undefined : [...names],
      after: numbers.length ? Math.min(...numbers) : undefined,
      generation: this.generation,
    };
  }

  farewell() {
    return { type: "unsubscribe", ...this.address };
  }

  take(frame) {
    if (frame.actor !== this.address.actor || !sameKey(frame.key, this.address.key)) return;
    if (frame.type === "event") this.hear(frame);
    else if (frame.type === "subscribed" && frame.id === this.id) this.begun(frame);
    else if (frame.type === "reset") this.reset(frame);
    else if (frame.type === "unsubscribed" && frame.error) this.ended(new ActorError(frame.error));
  }

  hear(frame) {
    for (const listener of this.standing()) {
      if (frame.number !== null) {
        if (frame.number <= listener.after) continue; // it is for another one, which begins further back
        listener.after = frame.number;
      }
      this.tellOne(listener, "event", frame);
    }
  }

  begun({ number, generation }) {
    const begun = this.asked.filter((listener) => this.listeners.has(listener));
    this.asked = [];
    this.generation = generation ?? FIRST_GENERATION;
    for (const listener of begun) {
      listener.stands = true;
      // Until the events since the last connection have come, the number it had is the one to go on from.
      listener.after ??= number;
    }
    for (const listener of begun) this.tellOne(listener, "subscribed", { number, generation });
    this.subscribe();
  }

  reset({ number, generation }) {
    this.generation = generation ?? FIRST_GENERATION;
    const standing = this.standing();
    for (const listener of standing) listener.after = number;
    for (const listener of standing) this.tellOne(listener, "reset", { number, generation });
  }

  refused(error) {
    const asked = this.asked.filter((listener) => this.listeners.has(listener));
    this.asked = [];
    if (asked.length === 1) this.failOne(asked[0], error);
    else this.singly = true;
    this.subscribe();
  }

  /** The server has ended it, because of one of them or all. */
  ended(error) {
    const stood = this.standing();
    for (const listener of stood) listener.stands = false;
    if (stood.length === 1) this.failOne(stood[0], error);
    else this.singly = true;
    this.subscribe();
  }

  failOne(listener, error) {
    this.remove(listener);
    callOut(listener.error, error);
  }
}

class UserTopic extends Topic {
  greeting() {
    return { type: "subscribe_user" };
  }

  farewell() {
    return { type: "unsubscribe_user" };
  }

  take(frame) {
    if (frame.type === "event" && frame.user) this.tell("event", frame);
  }
}

class MessageTopic extends Topic {
  constructor(connection, name, address, message) {
    super(connection, name);
    this.address = address;
    this.message = message;
  }

  greeting() {
    return { type: "follow", ...this.address, message: this.message };
  }

  farewell() {
    return { type: "unfollow", message: this.message };
  }

  take(frame) {
    if (frame.message !== this.message) return;
    if (frame.type === "progress") {
      const { done, total, note, attempt } = frame;
      this.tell("progress", (this.latest = { done, total, note, attempt }));
    } else if (frame.type === "settled") {
      this.connection.topics.delete(this.name); // the server has ended it by itself
      this.tell("settled", { status: frame.status, response: frame.response ?? null, error: frame.error ?? null });
    } else if (frame.type === "unfollowed" && frame.error) this.fail(new ActorError(frame.error));
  }
}

const bytesOf = (text) => new TextEncoder().encode(text).length;
const asParts = (key) => (Array.isArray(key) ? key : [key]).map(String);
const sameKey = (one, other) => one?.length === other.length && one.every((part, place) => part === other[place]);
const newKey = () =>
  globalThis.crypto?.randomUUID?.() ?? `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}-${Math.random().toString(36).slice(2)}`;

/** One actor. Nothing is asked before the first call. */
class ActorHandle {
  #connection;
  #address;

  constructor(connection, actor, key) {
    this.#connection = connection;
    this.#address = { actor, key: asParts(key) };
    this.queue = named((name) => ({ send: (body, options) => this.send(name, body, options) }));
  }

  get key() {
    return [...this.#address.key];
  }

  /** Stored when it resolves; with `wait` handled, or timed out: then it is still stored.
   *
   * Where no answer can come within `timeout` it rejects with `client.connection_lost`, as after a connection that was
   * lost for too long. `metadata.sent` is false where the message did not leave; else whether it is stored is unknown.
   */
  async send(queue, body = null, { wait = false, timeout, delay, dedupe, idempotencyKey = newKey() } = {}) {
    const options = { wait, timeout, delay, dedupe, idempotency_key: idempotencyKey };
    const frame = { type: "send", ...this.#address, queue, body, ...options };
    const reply = await this.#connection.ask(frame, wait ? timeout : undefined);
    const { status, response = null, error = null, message } = reply;
    return { id: message, status, response, error };
  }

  /** Runs an action on the actor's committed state; resolves with what it returns. */
  async call(action, ...args) {
    return (await this.#connection.ask({ type: "call", ...this.#address, action, args })).output;
  }

  /** Calls `listener(data, event)` for each event of this name ("*": of any). Returns what ends it.
   *
   * After a lost connection nothing is missed, or `reset` is called: then load the state anew. `after`: the number of
   * the last event that is known already. `error` is called once, when the listener hears nothing more.
   */
  on(name, listener, { reset, subscribed, error, after } = {}) {
    const address = this.#address;
    const event = (frame) => {
      if (name === "*" || frame.event === name) listener(frame.data, { name: frame.event, number: frame.number });
    };
    return this.#connection.listen(
      `actor ${JSON.stringify([address.actor, ...address.key])}`,
      (topicName) => new ActorTopic(this.#connection, topicName, address),
      { name, after, event, reset, subscribed, error, stands: false },
    );
  }

  /** Calls `progress({done, total, note, attempt})` until the message is settled, then `settled({status, …})`. */
  follow(message, { progress, settled, error } = {}) {
    const address = this.#address;
    const id = typeof message === "string" ? message : message.id;
    const latest = this.#connection.topics.get(`message ${id}`)?.latest;
    if (latest) callOut(progress, latest);
    return this.#connection.listen(
      `message ${id}`,
      (topicName) => new MessageTopic(this.#connection, topicName, address, id),
      { progress, settled, error },
    );
  }
}

/** An object whose every property is `make(name)`. */
function named(make, own = {}) {
  return new Proxy(own, {
    get: (target, name) =>
      name in target || typeof name === "symbol" || OWN_NAMES.has(name) ? target[name] : make(name),
  });
}

/** `client.counter.getOrCreate(["main"])`. Options: `url` (of the WebSocket), `WebSocket` (another class). */
export function createClient({ url, ...options } = {}) {
  const connection = new Connection(url ?? defaultUrl(), options);
  const own = {
    /** A handle by type name, for names that are no properties. */
    actor: (type, key) => new ActorHandle(connection, type, key),
    /** Events that actors address to the user who is logged in. Returns what ends it. */
    onUser(name, listener, { error } = {}) {
      const event = (frame) => {
        if (name === "*" || frame.event === name)
          listener(frame.data, { name: frame.event, number: frame.number, actor: frame.actor, key: frame.key });
      };
      return connection.listen("user", (topicName) => new UserTopic(connection, topicName), { event, error });
    },
    /** `idle`, `connecting`, `connected`, `waiting` (to connect again) or `closed`. */
    get status() {
      return connection.status;
    },
    onStatus(watcher) {
      connection.watchers.add(watcher);
      return () => connection.watchers.delete(watcher);
    },
    close: () => connection.close(),
  };
  return named((type) => ({ getOrCreate: (key) => new ActorHandle(connection, type, key) }), own);
}

function defaultUrl() {
  const { protocol, host } = globalThis.location;
  return `${protocol === "https:" ? "wss" : "ws"}://${host}/ws/actors/`;
}

let shared;
/** The client of this page: what <actor-progress> uses unless it is given another. A closed one is replaced. */
export function sharedClient() {
  if (!shared || shared.status === "closed") shared = createClient();
  return shared;
}

/** <actor-progress actor="importer" key='["main"]' message="…">: a message's progress, and its end.
 *
 * Parts to style: `bar`, `text`. Sends `progress` and `settled` (CustomEvents, which bubble); and `lost` with the
 * ActorError, where nothing more is told of it.
 */
class ActorProgress extends (globalThis.HTMLElement ?? class {}) {
  static observedAttributes = ["actor", "key", "message"];

  connectedCallback() {
    if (!this.shadowRoot) this.#draw();
    this.#restart();
  }

  disconnectedCallback() {
    this.#end?.();
    this.#end = undefined;
  }

  attributeChangedCallback() {
    if (this.isConnected && this.shadowRoot) this.#restart();
  }

  #end;
  #bar;
  #text;

  #draw() {
    const root = this.attachShadow({ mode: "open" });
    this.#bar = document.createElement("progress");
    this.#bar.part = "bar";
    this.#bar.style.inlineSize = "100%";
    this.#text = document.createElement("span");
    this.#text.part = "text";
    this.#text.setAttribute("role", "status");
    this.#bar.setAttribute("aria-label", this.getAttribute("label") ?? "Progress");
    root.append(this.#bar, this.#text);
  }

  #restart() {
    this.#end?.();
    this.#end = undefined;
    const [actor, message] = [this.getAttribute("actor"), this.getAttribute("message")];
    this.removeAttribute("status");
    this.#bar.removeAttribute("value");
    this.#text.textContent = "";
    if (!actor || !message) return;
    const handle = (this.client ?? sharedClient()).actor(actor, this.#key());
    try {
      this.#end = handle.follow(message, {
        progress: (report) => this.#show(report),
        settled: (outcome) => this.#settle(outcome),
        error: (error) => this.#lose(error),
      });
    } catch (error) {
      this.#lose(error); // its client was closed
    }
  }

  #key() {
    const text = this.getAttribute("key") ?? "";
    return text.startsWith("[") ? JSON.parse(text) : text;
  }

  #show(report) {
    if (report.total) {
      this.#bar.max = report.total;
      this.#bar.value = report.done;
    }
    this.#text.textContent = report.note || (report.total ? `${report.done} / ${report.total}` : `${report.done}`);
    this.dispatchEvent(new CustomEvent("progress", { detail: report, bubbles: true }));
  }

  #settle(outcome) {
    this.#end = undefined;
    this.setAttribute("status", outcome.status);
    if (outcome.status === "completed") this.#bar.value = this.#bar.max;
    else this.#text.textContent = outcome.error ?? outcome.status;
    this.dispatchEvent(new CustomEvent("settled", { detail: outcome, bubbles: true }));
  }

  /** How the message stands is not known: it may well be handled. */
  #lose(error) {
    this.#end = undefined;
    this.setAttribute("status", "unknown");
    this.#text.textContent = error.message;
    this.dispatchEvent(new CustomEvent("lost", { detail: error, bubbles: true }));
  }
}

if (globalThis.customElements && !customElements.get("actor-progress"))
  customElements.define("actor-progress", ActorProgress);
