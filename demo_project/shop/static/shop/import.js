import "../actorqueues/client.js"; // <actor-progress>
import { byId } from "./page.js";

const form = byId("upload");
const bar = byId("bar");

byId("sample").addEventListener("click", async () => {
  const answer = await fetch(form.dataset.sample);
  upload(await answer.blob(), "products.csv");
});

form.elements.file.addEventListener("change", ({ target: { files } }) => {
  if (files.length) upload(files[0], files[0].name);
});

async function upload(file, name) {
  const data = new FormData(form);
  data.set("file", file, name);
  const answer = await fetch(form.action, { method: "POST", body: data });
  const { id, message } = await answer.json();
  if (!answer.ok) return tell("refused", [message]);
  // All that a page needs to find its import again.
  history.replaceState(null, "", `?message=${id}`);
  follow(id);
}

function follow(id) {
  tell("queued");
  bar.setAttribute("message", id);
}

bar.addEventListener("progress", ({ detail }) => {
  byId("done").textContent = detail.done;
  byId("total").textContent = `of ${detail.total}`;
  byId("attempt").textContent = detail.attempt;
  tell("at work");
});

bar.addEventListener("settled", ({ detail: { status, response, error } }) => {
  if (response) byId("done").textContent = response.products;
  tell(status, response?.refused ?? [error ?? "Nothing is kept of it any more."]);
});

bar.addEventListener("lost", ({ detail: { message } }) => tell("unknown", [message]));

function tell(status, refused = []) {
  const items = refused.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  });
  byId("status").textContent = status;
  byId("refused").replaceChildren(...items);
}

const earlier = new URLSearchParams(location.search).get("message");
if (earlier) follow(earlier);
