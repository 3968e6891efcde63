import { createClient } from "../actorqueues/client.js";
import { byId, drawArea, grouped } from "./page.js";

const counter = createClient().counter.getOrCreate(["main"]);
const roundTrips = []; // milliseconds
let newest = 0; // number of the last event

const listener = ({ value }, event) => show(value, event.number);
counter.on("changed", listener, { subscribed: load, reset: load });

async function load({ number }) {
  show(await counter.call("value"), number);
}

function show(value, number) {
  if (number < newest) return;
  newest = number;
  byId("value").textContent = grouped(value);
}

for (const button of document.querySelectorAll("[data-amount]"))
  button.addEventListener("click", () => add(Number(button.dataset.amount)));

async function add(amount) {
  const begin = performance.now();
  const options = { wait: true, timeout: 15000 };
  const { status } = await counter.send("increment", { amount }, options);
  if (status === "completed") count(performance.now() - begin);
}

function count(milliseconds) {
  roundTrips.push(milliseconds);
  const sorted = [...roundTrips].sort((one, other) => one - other);
  byId("last").textContent = milliseconds.toFixed(1);
  byId("median").textContent = sorted[Math.floor(sorted.length / 2)].toFixed(1);
  byId("answers").textContent = grouped(roundTrips.length);
  drawArea(byId("chart"), roundTrips.slice(-60));
}
