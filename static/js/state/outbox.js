/**
 * Messages that are not on the server yet. Each is sent repeatedly with the
 * same `client_id`, of which the server makes one message. Pure: `onChange`
 * reports changes for storage.
 *
 * @typedef {{ client_id: string, conversation_id: number, text: string,
 *   reply_to: object | null, created_at: number,
 *   state: 'waiting' | 'sending' | 'failed', sent_at: number | null,
 *   not_before: number, tries: number, why: string | null, isUnsaved?: boolean }} Item
 */
import { delay } from './backoff.js';

/** Milliseconds without an echo after which a message is sent again. */
const ECHO_WITHIN = 10_000;
/** Codes of temporary errors, after which a message is sent again. */
const TEMPORARY = new Set(['rate_limited', 'busy', 'unavailable', 'internal', 'unauthenticated']);

export class Outbox {
  /** @type {Item[]} */
  #items = [];
  #onChange;

  /** @param {(item: Item, isGone: boolean) => void} onChange */
  constructor(items = [], onChange = () => {}) {
    this.#onChange = onChange;
    const fresh = items.map((item) => ({ ...item, sent_at: null, not_before: 0, tries: 0, isUnsaved: false }));
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

  /** Returns the messages to send now: the first unsent one of each
   * conversation, so that messages arrive in the order they were typed. */
  due(now) {
    const taken = new Set();
    return this.#items.filter((item) => {
      if (item.state === 'failed' || taken.has(item.conversation_id)) return false;
      taken.add(item.conversation_id);
      if (item.state === 'sending') return now - item.sent_at >= ECHO_WITHIN;
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

  /** Drops a message that the server has. */
  acknowledged(client_id) {
    const item = this.forget(client_id);
    if (item) this.#onChange(item, true);
    return item;
  }

  /** Drops a message that is no longer stored. */
  forget(client_id) {
    const item = this.#items.find((known) => known.client_id === client_id);
    this.#items = this.#items.filter((known) => known !== item);
    return item ?? null;
  }

  /** Whether a message would be lost with the page. */
  get isUnsaved() {
    return this.#items.some((item) => item.isUnsaved);
  }

  /** Drops the messages in a page of history, even without an echo. */
  found(messages, me) {
    for (const { sender, client_id } of messages) {
      if (client_id && sender.id === me.id) this.acknowledged(client_id);
    }
  }

  /** The server refused the message, permanently or for now. */
  refused(client_id, { code, detail, retry_after }, now, random) {
    this.#change(client_id, (item) => {
      if (TEMPORARY.has(code)) {
        item.state = 'waiting';
        item.not_before = now + Math.max((retry_after ?? 0) * 1000, delay(item.tries + 1, random));
      } else {
        item.state = 'failed';
        item.why = detail;
      }
    });
  }

  /** The request didn't reach the server. */
  unsent(client_id, now, random) {
    this.#change(client_id, (item) => {
      item.state = 'waiting';
      item.not_before = now + delay(item.tries, random);
    });
  }

  /** The connection ended: messages without an echo may not have arrived. */
  lost() {
    for (const { client_id, state } of this.#items) {
      if (state !== 'sending') continue;
      this.#change(client_id, (item) => {
        item.state = 'waiting';
      });
    }
  }

  /** Ends all retry delays, as there is a new connection. */
  clearDelays() {
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
