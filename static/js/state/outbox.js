/**
 * What was typed and isn't on the server yet. Each waits under its
 * `client_id`, and is sent as often as it takes under that same name: the
 * server makes one message of it. Pure: who keeps it is told by `onChange`.
 *
 * @typedef {{ client_id: string, conversation_id: number, text: string,
 *   reply_to: object | null, created_at: number,
 *   state: 'waiting' | 'sending' | 'failed', sent_at: number | null,
 *   not_before: number, tries: number, why: string | null }} Item
 */
import { delay } from './backoff.js';

/** An echo that hasn't come by then won't. */
const PATIENCE = 10_000;
/** Refusals that pass by themselves. */
const PASSING = new Set(['rate_limited', 'busy', 'unavailable', 'internal', 'unauthenticated']);

export class Outbox {
  /** @type {Item[]} */
  #items = [];
  #onChange;

  /** @param {(item: Item, isGone: boolean) => void} onChange */
  constructor(items = [], onChange = () => {}) {
    this.#onChange = onChange;
    const fresh = items.map((item) => ({ ...item, sent_at: null, not_before: 0, tries: 0 }));
    this.#items = fresh.map((item) =>
      item.state === 'sending' ? { ...item, state: 'waiting' } : item);
    this.#items.sort((one, two) => one.created_at - two.created_at);
  }

  get items() {
    return this.#items;
  }

  add({ client_id, conversation_id, text, reply_to = null }, now) {
    const item = {
      client_id, conversation_id, text, reply_to, created_at: now,
      state: 'waiting', sent_at: null, not_before: 0, tries: 0, why: null,
    };
    this.#items.push(item);
    this.#onChange(item, false);
    return item;
  }

  of(conversation) {
    return this.#items.filter((item) => item.conversation_id === conversation);
  }

  /** Those to send now: of each conversation the first that waits, so that
   * they arrive in the order in which they were typed. */
  due(now) {
    const taken = new Set();
    return this.#items.filter((item) => {
      if (item.state === 'failed' || taken.has(item.conversation_id)) return false;
      taken.add(item.conversation_id);
      if (item.state === 'sending') return now - item.sent_at >= PATIENCE;
      return now >= item.not_before;
    });
  }

  sending(client_id, now) {
    this.#change(client_id, (item) => {
      item.state = 'sending';
      item.sent_at = now;
      item.tries += 1;
    });
  }

  /** It is on the server. */
  acknowledged(client_id) {
    const item = this.#items.find((known) => known.client_id === client_id);
    if (!item) return null;
    this.#items = this.#items.filter((known) => known !== item);
    this.#onChange(item, true);
    return item;
  }

  /** Those of these messages that waited here have arrived, whether or not
   * that was told. */
  found(messages, me) {
    for (const { sender, client_id } of messages) {
      if (client_id && sender.id === me.id) this.acknowledged(client_id);
    }
  }

  /** The server said no: for good, or for now. */
  refused(client_id, { code, detail, retry_after }, now, random) {
    this.#change(client_id, (item) => {
      if (PASSING.has(code)) {
        item.state = 'waiting';
        item.not_before = now + Math.max((retry_after ?? 0) * 1000, delay(item.tries + 1, random));
      } else {
        item.state = 'failed';
        item.why = detail;
      }
    });
  }

  /** It never got there. */
  unsent(client_id, now, random) {
    this.#change(client_id, (item) => {
      item.state = 'waiting';
      item.not_before = now + delay(item.tries, random);
    });
  }

  /** The connection ended: nobody knows what of it arrived. */
  lost() {
    for (const { client_id, state } of this.#items) {
      if (state !== 'sending') continue;
      this.#change(client_id, (item) => {
        item.state = 'waiting';
      });
    }
  }

  /** There is a new connection, or somebody asked: nothing waits longer. */
  hurry() {
    for (const item of this.#items) item.not_before = 0;
  }

  retry(client_id) {
    this.#change(client_id, (item) => {
      item.state = 'waiting';
      item.not_before = 0;
      item.tries = 0;
      item.why = null;
    });
  }

  drop(client_id) {
    return this.acknowledged(client_id);
  }

  #change(client_id, how) {
    const item = this.#items.find((known) => known.client_id === client_id);
    if (!item) return;
    how(item);
    this.#onChange(item, false);
  }
}
