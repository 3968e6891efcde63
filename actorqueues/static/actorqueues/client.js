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
const FIRST_PAUSE = 250; // ms before the first attempt to connect again, doubled from one to the next
const LONGEST_PAUSE = 15000;
const SILENCE = 2.5; // heartbeats without a word from the server, then the connection is taken for dead
const FINAL_CODES = new Set([4401]); // the session has ended: only a new login helps
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

const closedError = () => new ActorError({ code: "closed", message: "The client was closed." });

/** Asks the server, connects again when the connection is lost, and goes on where it was. */
class Connection {
  constructor(url, options) {
    this.url = url;
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.status = "idle"; // connecting, connected, waiting, closed
    this.watchers = new Set();
    this.requests = new Map(); // id → {frame, resolve, reject}: unanswered
    this.topics = new Map(); // name → Topic: what is listened to
    this.lastId = 0;
    this.failures = 0;
    this.heartbeat = 25000; // ms; the server says
  }

  // Requests

  ask(frame) {
    if (this.status === "closed") return Promise.reject(closedError());
    const id = ++this.lastId;
    const full = { ...frame, id };
    const answer = new Promise((resolve, reject) => this.requests.set(id, { frame: full, resolve, reject }));
    this.askNow(this.requests.get(id));
    return answer;
  }

  askNow(request) {
    request.left = this.status === "connected";
    this.write(request.frame);
  }

  /** What cannot leave now leaves when the connection is there: unanswered requests are sent again then. */
  write(frame) {
    if (this.status === "connected") this.socket.send(JSON.stringify(frame));
    else this.connect();
  }

  // The connection

  connect() {
    if (this.status === "connecting" || this.status === "connected" || this.status === "closed") return;
    clearTimeout(this.timer);
    this.setStatus("connecting");
    const socket = (this.socket = new this.WebSocket(this.url, [SUBPROTOCOL]));
    socket.addEventListener("message", (event) => this.socket === socket && this.take(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => this.socket === socket && this.lost(event));
    this.listenForSilence();
  }

  lost(event) {
    clearTimeout(this.silence);
    this.socket = undefined;
    if (this.status === "closed") return;
    if (FINAL_CODES.has(event.code)) {
      this.close(new ActorError({ group: "auth", code: "session_ended", message: "The session has ended." }));
      return;
    }
    this.failCalls();
    this.setStatus("waiting");
    if (this.requests.size === 0 && this.topics.size === 0) {
      this.setStatus("idle"); // nobody needs it: the next request connects
      return;
    }
    // Full jitter: a thousand browsers do not come back at the same moment.
    const pause = Math.min(FIRST_PAUSE * 2 ** this.failures++, LONGEST_PAUSE) * (0.2 + 0.8 * Math.random());
    this.timer = setTimeout(() => this.connect(), pause);
  }

  /** An action may have run, and may send: nobody but the caller knows whether it may run once more. */
  failCalls() {
    const problem = { code: "connection_lost", message: "The connection was lost before the action had answered." };
    for (const [id, { frame, left, reject }] of this.requests) {
      if (frame.type !== "call" || !left) continue;
      this.requests.delete(id);
      reject(new ActorError(problem));
    }
  }

  /** A network can go away without a word. The server's pings come more often than this. */
  listenForSilence() {
    clearTimeout(this.silence);
    const socket = this.socket;
    this.silence = setTimeout(() => {
      socket.close();
      if (this.socket === socket) this.lost({ code: 1006 });
    }, this.heartbeat * SILENCE);
  }

  setStatus(status) {
    if (this.status === status) return;
    this.status = status;
    for (const watcher of this.watchers) watcher(status);
  }

  close(error = closedError()) {
    this.setStatus("closed");
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.socket?.close();
    for (const { reject } of this.requests.values()) reject(error);
    for (const topic of this.topics.values()) topic.fail(error);
    this.requests.clear();
    this.topics.clear();
  }

  // What the server says

  take(frame) {
    this.listenForSilence();
    if (frame.type === "hello") this.begin(frame);
    else if (frame.type === "ping") this.socket.send(JSON.stringify({ type: "pong", ping: frame.ping }));
    else if (frame.type === "reply") this.answered(frame.id)?.resolve(frame);
    else if (frame.type === "error") this.refused(frame);
    else this.spread(frame);
  }

  begin(hello) {
    this.failures = 0;
    this.heartbeat = hello.heartbeat ?? this.heartbeat;
    this.setStatus("connected");
    for (const topic of this.topics.values()) topic.open();
    for (const request of this.requests.values()) this.askNow(request); // sends carry a key: none is doubled
  }

  answered(id) {
    const request = this.requests.get(id);
    this.requests.delete(id);
    return request;
  }

  refused({ id, error }) {
    const problem = new ActorError(error);
    const request = this.answered(id);
    if (request) request.reject(problem);
    else for (const topic of this.topics.values()) if (topic.id === id) topic.fail(problem);
  }

  spread(frame) {
    for (const topic of [...this.topics.values()]) topic.take(frame);
  }

  // Topics

  topic(name, make) {
    let topic = this.topics.get(name);
    if (!topic) {
      if (this.status === "closed") throw closedError();
      topic = make();
      this.topics.set(name, topic);
      if (this.status === "connected") topic.open();
      else this.connect();
    }
    return topic;
  }

  drop(topic) {
    if (this.topics.get(topic.name) !== topic) return;
    this.topics.delete(topic.name);
    if (this.status === "connected") this.socket.send(JSON.stringify({ ...topic.farewell(), id: ++this.lastId }));
  }
}

/** Something that is listened to, on this connection and on those that follow it. */
class Topic {
  constructor(connection, name) {
    this.connection = connection;
    this.name = name;
    this.listeners = new Set();
  }

  open() {
    this.id = ++this.connection.lastId;
    this.connection.write({ ...this.greeting(), id: this.id });
  }

  add(listener) {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.connection.drop(this);
    };
  }

  tell(name, ...values) {
    for (const listener of [...this.listeners]) listener[name]?.(...values);
  }

  fail(error) {
    if (this.connection.topics.get(this.name) === this) this.connection.topics.delete(this.name);
    this.tell("error", error);
  }
}

class ActorTopic extends Topic {
  constructor(connection, name, address, after) {
    super(connection, name);
    this.address = address;
    this.after = after;
  }

  greeting() {
    const known = { after: this.after, generation: this.generation };
    return { type: "subscribe", ...this.address, ...known };
  }

  farewell() {
    return { type: "unsubscribe", ...this.address };
  }

  take(frame) {
    if (frame.actor !== this.address.actor || !sameKey(frame.key, this.address.key)) return;
    if (frame.type === "event") {
      if (frame.number !== null) this.after = frame.number;
      this.tell("event", frame);
    } else if (frame.type === "subscribed" || frame.type === "reset") {
      // Until the events since the last connection have come, the number we had is the one to go on from.
      if (frame.type === "reset" || this.after === undefined) this.after = frame.number;
      this.generation = frame.generation ?? undefined;
      this.tell(frame.type, frame);
    }
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
    }
  }
}

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

  /** Stored when it resolves; with `wait` handled, or timed out: then it is still stored. */
  async send(queue, body = null, { wait = false, timeout, delay, dedupe, idempotencyKey = newKey() } = {}) {
    const options = { wait, timeout, delay, dedupe, idempotency_key: idempotencyKey };
    const reply = await this.#connection.ask({ type: "send", ...this.#address, queue, body, ...options });
    const { status, response = null, error = null, message } = reply;
    return { id: message, status, response, error };
  }

  /** Runs an action on the actor's committed state; resolves with what it returns. */
  async call(action, ...args) {
    return (await this.#connection.ask({ type: "call", ...this.#address, action, args })).output;
  }

  /** Calls `listener(data, event)` for each event of this name ("*": of any). Returns what ends it.
   *
   * After a lost connection nothing is missed, or `reset` is called: then load the state anew. `after`: the
   * number of the last event that is known already; of an actor's listeners that of the first one counts.
   */
  on(name, listener, { reset, subscribed, error, after } = {}) {
    const address = this.#address;
    const topicName = `actor ${JSON.stringify([address.actor, ...address.key])}`;
    const topic = this.#connection.topic(
      topicName, () => new ActorTopic(this.#connection, topicName, address, after),
    );
    const event = (frame) => {
      if (name === "*" || frame.event === name) listener(frame.data, { name: frame.event, number: frame.number });
    };
    return topic.add({ event, reset, subscribed, error });
  }

  /** Calls `progress({done, total, note, attempt})` until the message is settled, then `settled({status, …})`. */
  follow(message, { progress, settled, error } = {}) {
    const address = this.#address;
    const id = typeof message === "string" ? message : message.id;
    const topic = this.#connection.topic(
      `message ${id}`, () => new MessageTopic(this.#connection, `message ${id}`, address, id),
    );
    if (topic.latest) progress?.(topic.latest);
    return topic.add({ progress, settled, error });
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
      return connection.topic("user", () => new UserTopic(connection, "user")).add({ event, error });
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
/** The client of this page: what <actor-progress> uses unless it is given another. */
export const sharedClient = () => (shared ??= createClient());

/** <actor-progress actor="importer" key='["main"]' message="…">: a message's progress, and its end.
 *
 * Parts to style: `bar`, `text`. Sends `progress` and `settled` (CustomEvents, which bubble).
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
    if (!actor || !message) return;
    this.#bar.removeAttribute("value");
    this.#text.textContent = "";
    this.#end = (this.client ?? sharedClient()).actor(actor, this.#key()).follow(message, {
      progress: (report) => this.#show(report),
      settled: (outcome) => this.#settle(outcome),
      error: (error) => this.#settle({ status: "failed", response: null, error: error.message }),
    });
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
}

if (globalThis.customElements && !customElements.get("actor-progress"))
  customElements.define("actor-progress", ActorProgress);
