import { createClient } from "../actorqueues/client.js";
import { byId, drawArea, grouped, newId, pause, shape } from "./page.js";

const [MESSAGES, ACCOUNTS] = [10000, 500];
const client = createClient();

byId("begin").addEventListener("click", async () => {
  const id = newId();
  const plan = { messages: MESSAGES, accounts: ACCOUNTS };
  await client.storm.getOrCreate([id]).send("begin", plan);
  history.replaceState(null, "", `?storm=${id}`);
  watch(id);
});

const kills = []; // times
document.addEventListener("killed", () => kills.push(performance.now()));

/** Reads the ledger until no mailbox has mail. The action runs in the web process. */
async function watch(id) {
  byId("begin").disabled = true;
  const storm = client.storm.getOrCreate([id]);
  for (const samples = []; ; await pause(250)) {
    const ledger = await storm.call("ledger").catch(() => null);
    if (!ledger) continue; // the connection was lost, and comes again
    samples.push({ at: performance.now(), once: ledger.once });
    show(ledger);
    draw(samples);
    if (ledger.sent && ledger.waiting === 0) break;
  }
  byId("begin").disabled = false;
}

function show({ accounts, ...figures }) {
  for (const name of ["sent", "waiting", "once", "lost", "doubled", "again"])
    byId(name).textContent = grouped(figures[name]);
  byId("verdict").textContent = verdict(figures);
  const { sent, once, doubled } = figures;
  byId("verdict").dataset.good = sent > 0 && once === sent && doubled === 0;
  cells.forEach((cell, account) => {
    const share = (accounts[account] ?? 0) / (MESSAGES / ACCOUNTS);
    cell.setAttribute("fill-opacity", 0.1 + 0.9 * share);
  });
}

function verdict({ sent, waiting, lost, doubled }) {
  if (!sent) return "A worker is about to send them, all in one transaction.";
  if (waiting) return "Counted by a query, four times a second. No actor is asked.";
  if (lost || doubled) return "This is a bug. Please report it.";
  return "Every message has exactly one line in the ledger.";
}

function draw(samples) {
  const rates = samples.map((to, place) => rate(samples[Math.max(0, place - 2)], to));
  const marks = kills.map((time) => samples.findIndex(({ at }) => at >= time));
  byId("rate").textContent = grouped(rates.at(-1));
  drawArea(byId("chart"), rates, marks.filter((place) => place > 0));
}

function rate(from, to) {
  return to === from ? 0 : Math.round((1000 * (to.once - from.once)) / (to.at - from.at));
}

const cells = Array.from({ length: ACCOUNTS }, (_, number) => {
  const [x, y] = [(number % 50) * 10 + 1, Math.floor(number / 50) * 10 + 1];
  return shape("rect", { x, y, width: 8, height: 8, rx: 2, "fill-opacity": 0.1 });
});
byId("accounts").append(...cells);

const earlier = new URLSearchParams(location.search).get("storm");
if (earlier) watch(earlier);
