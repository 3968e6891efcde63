// Right and wrong uses of the browser client. TypeScript refuses each wrong one, and an expected error that is none.
import { ActorError, createClient, sharedClient } from "./client.js";
import type { ActorEvent, ActorHandle, Client, Outcome, Progress, Settled, Status } from "./client.js";

interface Value {
  value: number;
}

const client = createClient<"counter" | "importer">({ url: "wss://example.com/ws/actors/" });
const counter: ActorHandle = client.counter.getOrCreate(["main", 7]);
const other: ActorHandle = client.actor("anything", "main");
const plain: Client = createClient();
const shared: Client = sharedClient();

export async function right(): Promise<number> {
  const outcome: Outcome<Value> = await counter.send<Value>("increment", { amount: 5 }, { wait: true, timeout: 5000 });
  const stored = await counter.queue.increment.send({ amount: 1 }, { delay: 1000, dedupe: "a", idempotencyKey: "b" });
  const told: string | null = stored.error;
  const value = await counter.call<number>("peek", 1, "two");
  const stop: () => void = counter.on<Value>("changed", (data, event: ActorEvent) => data.value + (event.number ?? 0), {
    after: 3,
    reset: (standing) => standing.number,
    subscribed: ({ number, generation }) => number + (generation ?? 0),
    error: (error: ActorError) => error.metadata["sent"] === false,
  });
  counter.follow<Value>(outcome, {
    progress: (report: Progress) => report.done / (report.total ?? 1),
    settled: (end: Settled<Value>) => end.response?.value,
  });
  counter.follow("019a");
  const status: Status = plain.status;
  shared.onUser("note", (_data, event) => event.actor + event.key.join(), { error: (error) => error.code });
  shared.onStatus((now) => now === status);
  stop();
  client.close();
  return outcome.response === null ? value : outcome.response.value + (told?.length ?? 0);
}

export async function wrong(): Promise<void> {
  // @ts-expect-error a type that createClient was not told
  client.basket;
  // @ts-expect-error without types there are none
  plain.counter;
  // @ts-expect-error a key has strings and numbers
  client.counter.getOrCreate([true]);
  // @ts-expect-error nor is nothing a key
  client.counter.getOrCreate();
  // @ts-expect-error an option that is none
  await counter.send("increment", {}, { waits: true });
  // @ts-expect-error milliseconds
  await counter.send("increment", {}, { timeout: "5s" });
  // @ts-expect-error the queue is named
  await counter.send({ amount: 5 });
  const outcome = await counter.send<Value>("increment", {});
  // @ts-expect-error there may be no response
  outcome.response.value;
  // @ts-expect-error a status that there is not
  if (outcome.status === "done") return;
  // @ts-expect-error a reply whose type nobody said is unknown
  (await counter.send("increment")).response.value;
  // @ts-expect-error the listener comes second
  counter.on((data: Value) => data);
  // @ts-expect-error a message is its id, or what send gave
  counter.follow(7);
  // @ts-expect-error a number
  counter.on("changed", () => {}, { after: "3" });
  // @ts-expect-error what an error tells is unknown
  counter.on("changed", () => {}, { error: (error) => error.metadata.limit + 1 });
  // @ts-expect-error the key is read
  counter.key = ["x"];
  // @ts-expect-error the status is read
  plain.status = "closed";
  // @ts-expect-error the address is text
  createClient({ url: 7 });
}

void other;
