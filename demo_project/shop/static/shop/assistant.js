import { createClient } from "../actorqueues/client.js";
import { byId, newId } from "./page.js";

localStorage.visitor ??= newId(); // everybody talks to an assistant of their own
const assistant = createClient().assistant.getOrCreate([localStorage.visitor]);
const turns = new Map(); // message → what was said

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask(byId("prompt").value);
  byId("prompt").value = "";
});
for (const button of document.querySelectorAll(".suggestions button"))
  button.addEventListener("click", () => ask(button.textContent));

byId("stop").addEventListener("click", () => assistant.send("stop"));

async function ask(text) {
  const { id } = await assistant.send("prompt", { text });
  turnOf(id, text);
}

// What was said on earlier visits.
for (const { id, prompt, answer } of await assistant.call("turns")) {
  begin(id, prompt).words = answer.text.split(" ");
  finish(id, answer.stopped);
}

// Then every word, from the first one that is kept: some came while no page was open.
assistant.on("word", hear, { after: 0 });

function hear({ id, place, prompt, text }) {
  const turn = turnOf(id, prompt);
  turn.words[place] = text; // by its place: a second attempt says the same words again
  draw(turn);
}

function turnOf(id, prompt) {
  if (turns.has(id)) return turns.get(id);
  byId("stop").disabled = false;
  assistant.follow(id, { settled: ({ response }) => finish(id, response?.stopped) });
  return begin(id, prompt);
}

function begin(id, prompt) {
  const [question, answer] = [document.createElement("p"), document.createElement("p")];
  const turn = { words: [], item: document.createElement("li"), answer };
  question.textContent = prompt;
  turn.item.append(question, answer);
  byId("turns").append(turn.item);
  turns.set(id, turn);
  return turn;
}

function finish(id, stopped) {
  const turn = turns.get(id);
  turn.item.dataset.status = stopped ? "stopped" : "completed";
  draw(turn);
  byId("stop").disabled = [...turns.values()].every(({ item }) => item.dataset.status);
}

function draw({ item, answer, words }) {
  answer.textContent = words.join(" ");
  item.parentElement.scrollTop = item.parentElement.scrollHeight;
}
