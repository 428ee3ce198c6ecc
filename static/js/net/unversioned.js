/** Keeps up state without a version, which a resume doesn't replay: presence,
 * connections and invitations. */
import * as api from './api.js';

/** The number of conversations in a page of the list. */
const PAGE = 50;
/** Represents invitations in `#updated`. */
const INVITATION = Symbol('invitation');

/** Replaces a conversation that the server refuses; other problems are thrown. */
const emptyIfRefused = (problem) => {
  if (!problem.status) throw problem;
  return { participants: [] };
};

export class Unversioned {
  #store;
  #on;
  #isFirst = true;
  /** Ids of users that frames have updated since `fetch` began. */
  #updated = new Set();

  /** @param {import('../state/store.js').Store} store
   * @param {{ change: () => void, connected: (username: string | null) => void }} on */
  constructor(store, on) {
    this.#store = store;
    this.#on = on;
  }

  /** Notes what a frame updates: it is newer than a response under way. */
  saw({ type, user_id: user, connection }) {
    if (type === 'user_status') this.#updated.add(user);
    if (type === 'connection') this.#updated.add(connection.user.id);
    if (type === 'invitation') this.#updated.add(INVITATION);
  }

  /** Fetches the state for a new connection. */
  async fetch() {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const updated = new Set();
    this.#updated = updated;
    try {
      const [, connections, invitations] = await Promise.all(
        [this.#fetchPresence(updated), api.connections(), api.invitations()]);
      // A newer connection has fetched since, or is about to.
      if (updated !== this.#updated) return;
      this.#store.connected(connections, updated);
      if (!updated.has(INVITATION)) this.#store.invitations = invitations;
      if (!isFirst) this.#on.connected(null);
      this.#on.change();
    } catch {
      // The next connection fetches again.
    }
  }

  /** Fetches who is online, for all loaded conversations: the newest in pages,
   * then those that were opened by address, and groups with their members.
   * Changes nothing once a newer connection fetches. */
  async #fetchPresence(updated) {
    const { conversations } = this.#store;
    const left = conversations.withOthers();
    const take = ({ id, participants }) => {
      if (participants.length >= left.get(id)) left.delete(id);
      if (updated !== this.#updated) return;
      for (const { user, ...status } of participants) {
        if (!updated.has(user.id)) conversations.presence({ user_id: user.id, ...status });
      }
    };
    try {
      let path = '/api/conversations/';
      for (let most = conversations.size; path && most > 0; most -= PAGE) {
        const { body, links } = await api.page(path);
        body.forEach(take);
        path = left.size ? links.prev : null;
      }
      for (const id of left.keys()) take(await api.conversation(id).catch(emptyIfRefused));
    } catch (problem) {
      // No status is better than one that may have ended.
      if (updated === this.#updated) conversations.forgetPresence();
      throw problem;
    }
  }
}
