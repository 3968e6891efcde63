/** Actors from a browser. See docs/how-to/browser.md. */

export type Key = string | number | readonly (string | number)[];

export interface SendOptions {
  /** Resolve when the message is handled, not when it is stored. */
  wait?: boolean;
  /** Milliseconds to wait. Without a connection it rejects then, with `client.connection_lost`. */
  timeout?: number;
  /** Milliseconds until the message is due. */
  delay?: number;
  dedupe?: string;
  /** By default one is made, so that a lost connection neither loses nor doubles the message. */
  idempotencyKey?: string;
}

export interface Outcome<R = unknown> {
  id: string;
  status: "queued" | "completed" | "timedOut" | "failed";
  response: R | null;
  error: string | null;
}

export interface Settled<R = unknown> {
  /** `gone`: nothing is kept of the message. */
  status: "completed" | "failed" | "gone";
  response: R | null;
  error: string | null;
}

export interface Progress {
  done: number;
  total: number | null;
  note: string;
  attempt: number;
}

export interface ActorEvent {
  name: string;
  /** null: it is not stored, and not resumed. */
  number: number | null;
}

export interface UserEvent extends ActorEvent {
  actor: string;
  key: string[];
}

export interface Standing {
  number: number;
  generation: number | null;
}

export interface ListenOptions {
  /** Events were dropped meanwhile, or the actor was destroyed: load its state anew. */
  reset?: (standing: Standing) => void;
  /** From here on nothing is missed. Called on every new connection. */
  subscribed?: (standing: Standing) => void;
  /** Called once: it hears nothing more, because it may not, or the client was closed. */
  error?: (error: ActorError) => void;
  /** The number of the last event that is known already. */
  after?: number;
}

export interface FollowOptions<R = unknown> {
  progress?: (report: Progress) => void;
  settled?: (outcome: Settled<R>) => void;
  error?: (error: ActorError) => void;
}

export interface QueueHandle {
  send<R = unknown>(body?: unknown, options?: SendOptions): Promise<Outcome<R>>;
}

export interface ActorHandle {
  readonly key: string[];
  readonly queue: { readonly [name: string]: QueueHandle };
  send<R = unknown>(queue: string, body?: unknown, options?: SendOptions): Promise<Outcome<R>>;
  call<T = unknown>(action: string, ...args: unknown[]): Promise<T>;
  on<D = any>(name: string, listener: (data: D, event: ActorEvent) => void, options?: ListenOptions): () => void;
  follow<R = unknown>(message: string | { id: string }, options?: FollowOptions<R>): () => void;
}

export interface ActorType {
  getOrCreate(key: Key): ActorHandle;
}

export type Status = "idle" | "connecting" | "connected" | "waiting" | "closed";

export interface Client {
  readonly status: Status;
  actor(type: string, key: Key): ActorHandle;
  onUser<D = any>(
    name: string,
    listener: (data: D, event: UserEvent) => void,
    options?: { error?: (error: ActorError) => void },
  ): () => void;
  onStatus(watcher: (status: Status) => void): () => void;
  close(): void;
}

export interface ClientOptions {
  /** Of the WebSocket; by default /ws/actors/ of the page's host. */
  url?: string;
  WebSocket?: typeof WebSocket;
}

export class ActorError extends Error {
  /**
   * What the server refuses, as `queue.full`. Of the client itself: `client.closed`, `auth.session_ended`,
   * `queue.message_too_large` (`metadata.limit`: bytes of a frame, null where nobody told it), and
   * `client.connection_lost` (`metadata.sent`: whether the request has left, so that it may have been taken).
   */
  readonly code: string;
  readonly metadata: Record<string, unknown>;
}

/** `createClient<"counter" | "importer">()` knows these types as properties; `client.actor(type, key)` takes any. */
export function createClient<Types extends string = never>(
  options?: ClientOptions,
): Client & { readonly [Type in Types]: ActorType };
export function sharedClient(): Client;
