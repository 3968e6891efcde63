/* The button that kills the worker, and a look at who works after it. */

import { pause } from "./page.js";

const form = document.querySelector("form.worker");
const button = form.querySelector("button");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
  const { killed, error } = await answer.json();
  if (error) return tell("refused", [], error);
  tell("killed", [], `Worker ${killed.join(", ")} was killed by SIGKILL. Another one starts …`);
  document.dispatchEvent(new CustomEvent("killed"));
  const running = await successors(killed);
  tell("running", running, `Worker ${running.join(", ")} runs, and takes over when the lease is over.`);
  button.disabled = false;
});

async function successors(killed) {
  while (true) {
    await pause(300);
    const { running } = await (await fetch(form.action)).json();
    if (running.length && !running.some((pid) => killed.includes(pid))) return running;
  }
}

function tell(state, running, text) {
  form.dataset.state = state;
  form.dataset.running = running.join(" ");
  form.querySelector(".says").textContent = text;
}
