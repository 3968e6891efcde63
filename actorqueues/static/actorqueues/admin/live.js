// A page that shows what is now. The socket only says that something has changed; what, the page fetches.

import { findSections } from "./sections.js";

const GAP = 300; // ms between two fetches
const POLL = 3000; // ms, without a socket
const LOOK = 30000; // ms, with one: what it did not tell
const LONGEST = 30000; // ms between two tries
const HEARTBEAT = 25000; // ms; the server says
const SILENCE = 2.5; // heartbeats without a sign of life
const LAST_MODES = ["ended", "over"]; // what is said then stays

/** Of a `.aq-live` element: keeps the page's sections up to date while somebody looks. */
export function startLive(root) {
  return new Live(root);
}

class Live {
  constructor(root) {
    this.root = root;
    this.status = root.querySelector(".aq-live-status");
    this.button = root.querySelector(".aq-live-pause");
    this.sections = findSections();
    this.failures = this.lost = 0; // fetches, and sockets, one after another
    this.heartbeat = HEARTBEAT;
    this.fetchedAt = -GAP;
    this.button.hidden = false;
    this.button.addEventListener("click", () => this.setPaused(!this.isPaused));
    document.addEventListener("visibilitychange", () => this.turn());
    this.turn();
  }

  get isPaused() {
    return this.button.getAttribute("aria-pressed") === "true";
  }

  setPaused(isPaused) {
    this.button.setAttribute("aria-pressed", String(isPaused));
    this.say(isPaused ? "paused" : "");
    this.turn();
  }

  /** On or off, whichever it has to be now. */
  turn() {
    const isOn = !this.isPaused && !this.hasEnded && document.visibilityState === "visible";
    if (isOn === Boolean(this.isOn)) return;
    this.isOn = isOn;
    if (isOn) {
      this.failures = this.lost = 0;
      this.connect();
      if (this.wasOff) this.changed(); // else the page is as it was loaded
      else this.lookLater();
    } else {
      this.wasOff = true;
      this.disconnect();
      this.fetching?.abort();
      for (const timer of ["nextLook", "nextTry"]) clearTimeout(this[timer]);
    }
  }

  // What there is to see

  /** Fetches soon: never two at once, and once more for what changes meanwhile. */
  changed() {
    if (!this.isOn) return;
    this.isStale = true;
    if (!this.fetching) this.lookIn(this.fetchedAt + GAP - performance.now());
  }

  lookIn(ms) {
    clearTimeout(this.nextLook);
    this.nextLook = setTimeout(() => this.look(), Math.max(0, ms));
  }

  lookLater() {
    if (!this.isOn) return;
    if (this.isStale && !this.failures) this.changed();
    else this.lookIn(this.failures ? backoff(POLL, this.failures) : this.isLive ? LOOK : POLL);
  }

  async look() {
    const mine = (this.fetching = new AbortController());
    this.isStale = false;
    this.fetchedAt = performance.now();
    try {
      await this.show(mine.signal);
      this.failures = 0;
      this.say(this.isLive ? "live" : "polling");
    } catch {
      if (!mine.signal.aborted) {
        this.failures += 1;
        this.say("failed");
      }
    } finally {
      if (this.fetching === mine) this.fetching = null;
      this.lookLater();
    }
  }

  async show(signal) {
    const answer = await fetch(this.root.dataset.sections, {
      headers: { Accept: "application/json" },
      cache: "no-store",
      redirect: "manual", // to the page where one logs in
      signal,
    });
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
      this.finish("ended");
      return;
    }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const { sections, is_over: isOver } = await answer.json();
    signal.throwIfAborted();
    for (const [name, html] of Object.entries(sections)) this.sections.get(name)?.offer(html);
    if (isOver) this.finish("over");
  }

  /** There is nothing more to see: for this person, or for anybody. */
  finish(mode) {
    this.hasEnded = true;
    this.button.hidden = true;
    this.say(mode);
    this.turn();
  }

  /** Announced by screen readers, so only what is new. */
  say(mode) {
    if (mode === this.mode || LAST_MODES.includes(this.mode)) return;
    this.mode = this.root.dataset.mode = mode;
    this.status.textContent = this.root.getAttribute(`data-words-${mode}`) ?? "";
  }

  // When there is something new to see

  connect() {
    const address = new URL(this.root.dataset.socket, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    let socket;
    try {
      socket = this.socket = new WebSocket(address);
    } catch {
      this.lose(); // a policy may forbid it
      return;
    }
    socket.onmessage = ({ data }) => this.socket === socket && this.hear(JSON.parse(data));
    socket.onclose = () => this.socket === socket && this.lose();
  }

  hear(frame) {
    if (frame.heartbeat) this.heartbeat = frame.heartbeat;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lose(), SILENCE * this.heartbeat);
    if (frame.type === "ping") this.socket.send('{"type":"pong"}');
    else if (frame.type === "hello") {
      this.isLive = true;
      this.lost = 0;
      this.changed(); // whatever changed between the page and the socket
    } else if (frame.type === "changed") this.changed();
  }

  lose() {
    const wasLive = this.isLive;
    this.disconnect();
    this.lost += 1;
    clearTimeout(this.nextTry);
    this.nextTry = setTimeout(() => this.connect(), backoff(1000, this.lost));
    if (this.mode !== "failed") this.say("polling");
    if (wasLive && !this.fetching && !this.failures) this.lookIn(POLL);
  }

  disconnect() {
    const socket = this.socket;
    this.socket = null;
    this.isLive = false;
    clearTimeout(this.silence);
    socket?.close();
  }
}

/** Longer each time, and not for all pages at the same moment. */
function backoff(first, times) {
  return Math.min(LONGEST, first * 2 ** Math.max(0, times - 1)) * (0.75 + Math.random() / 2);
}
