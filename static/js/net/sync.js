/**
 * Keeps the store and the server at one: what comes goes into the store, what
 * waits goes out, over the socket where there is one and over REST where not.
 */
import { Seen } from '../state/seen.js';
import * as api from './api.js';
import * as frames from './protocol.js';
import { Socket } from './socket.js';

const FLUSH = 1_000;
/** Marks can wait as long as a connection is likely to take. */
const BLINK = 3_000;
/** How often to ask, while there is no socket. */
const POLL = 10_000;
/** Stands for invitations among those whom something was told of. */
const INVITATION = Symbol('invitation');

export class Sync {
  seen = new Seen();
  #store;
  #outbox;
  #socket;
  #on;
  #lostAt = Date.now();
  #polled = Date.now();
  #isFirst = true;
  /** Whom something was told of since the list was asked for. */
  #heardOf = new Set();
  #gaps = new Set();
  /** Conversations that are being read for the first time. */
  #met = new Set();
  #isListing = false;

  /**
   * @param {import('../state/store.js').Store} store
   * @param {import('../state/outbox.js').Outbox} outbox
   * @param {{ change: () => void, arrived: (message: any) => void, removed: (id: number) => void,
   *   connected: (username: string | null) => void, restored: () => void,
   *   renamed: () => void, ended: () => void }} on
   */
  constructor(store, outbox, on) {
    this.#store = store;
    this.#outbox = outbox;
    this.#on = on;
    this.#socket = new Socket({
      open: () => this.#opened(),
      frame: (frame) => this.#hear(frame),
      close: () => this.#closed(),
      ended: () => on.ended(),
      refused: () => this.#askWhy(),
    });
  }

  start() {
    this.#socket.open();
    setInterval(() => this.flush(), FLUSH);
  }

  get isOnline() {
    return this.#socket.isOpen && this.#lostAt === null;
  }

  /** Since when there has been no connection; null while there is one. */
  get lostAt() {
    return this.#lostAt;
  }

  /** Sends a frame that only matters now. */
  tell(frame) {
    this.#socket.send(frame);
  }

  #opened() {
    this.#lostAt = null;
    this.#gaps.clear();
    this.#store.cursors.begin();
    const { cursors, epoch, peopleVersion } = this.#store;
    this.#socket.send(frames.resumeAll(cursors.all(), epoch, peopleVersion));
    this.#outbox.hurry();
    this.flush();
    this.#lookRound();
  }

  /** What has no version, and was the case before, is told by nobody: who is
   * here, with whom one is connected, and which groups invite. */
  async #lookRound() {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    this.#heardOf.clear();
    try {
      const [listed, connections, invitations] = await Promise.all(
        [api.conversations(), api.connections(), api.invitations()]);
      for (const { user, ...status } of listed.flatMap(({ participants }) => participants)) {
        if (this.#heardOf.has(user.id)) continue;
        this.#store.conversations.presence({ user_id: user.id, ...status });
      }
      this.#store.connected(connections, this.#heardOf);
      if (!this.#heardOf.has(INVITATION)) this.#store.invitations = invitations;
      if (!isFirst) this.#on.connected(null);
      this.#on.change();
    } catch {
      // The next connection looks again.
    }
  }

  #closed() {
    this.#lostAt ??= Date.now();
    this.#store.typists.clear();
    this.#outbox.lost();
    this.flush();
    this.#on.change();
  }

  /** Browsers keep to themselves why a socket doesn't open. If it is that the
   * login has ended, any answer says so. */
  async #askWhy() {
    try {
      await api.me();
    } catch {
      // Offline, or logged out: the one is a state, of the other is told.
    }
  }

  #hear(frame) {
    if (frame.type === 'error') this.#refused(frame);
    if (frame.type === 'user_status') this.#heardOf.add(frame.user_id);
    if (frame.type === 'connection') this.#heardOf.add(frame.connection.user.id);
    if (frame.type === 'invitation') this.#heardOf.add(INVITATION);
    const isMine = frame.type === 'message' && frame.message.sender.id === this.#store.me.id;
    if (isMine && frame.message.client_id) this.#outbox.acknowledged(frame.message.client_id);
    if (frame.type === 'read_receipt' && frame.user_id === this.#store.me.id) {
      this.seen.known('read_receipt', frame.conversation_id, frame.seq);
    }
    for (const effect of this.#store.apply(frame, Date.now())) this.#follow(effect);
    if (frame.type === 'connection') this.#on.connected(frame.connection.user.username);
    if (frame.type === 'message') this.#got(frame.message);
    if (isMine) this.flush();
    this.#on.change();
  }

  #follow(effect) {
    const id = effect.conversation_id;
    if (effect.kind === 'arrived') this.#on.arrived(effect.message);
    if (effect.kind === 'removed') this.#on.removed(id);
    if (effect.kind === 'reset') this.reload(id);
    if (effect.kind === 'restored') this.#on.restored();
    if (effect.kind === 'renamed') this.#on.renamed();
    if (effect.kind === 'more') this.#list();
    if (effect.kind === 'unknown') this.#meet(id);
    if (effect.kind === 'gap' && !this.#gaps.has(id)) {
      this.#gaps.add(id);
      setTimeout(() => this.#gaps.delete(id), POLL);
      const { cursors, epoch } = this.#store;
      this.#socket.send(frames.resumeOne(id, cursors.get(id), epoch));
    }
  }

  /** The rest of the list: a resume shows only the newest conversations. */
  async #list() {
    if (this.#isListing) return;
    this.#isListing = true;
    try {
      for (let path = '/api/conversations/?limit=100'; path;) {
        const { body, links } = await api.page(path);
        for (const conversation of body) {
          if (!this.#store.conversations.get(conversation.id)) this.#show(conversation);
        }
        path = links.prev;
      }
    } catch {
      // The next resume says again that there are more.
    } finally {
      this.#isListing = false;
    }
  }

  /** A conversation that a frame is about, and that isn't listed yet. */
  async #meet(id) {
    if (this.#met.has(id)) return;
    this.#met.add(id);
    try {
      this.#show(await api.conversation(id));
    } catch {
      // The next resume shows it.
    } finally {
      this.#met.delete(id);
    }
  }

  #show(conversation) {
    this.#store.apply({ type: 'conversation', conversation }, Date.now());
    this.#on.change();
  }

  #got(message) {
    if (message.sender.id === this.#store.me.id) return;
    this.seen.reach('delivered', {
      conversation_id: message.conversation_id, id: message.id, seq: message.seq,
    });
  }

  #refused(frame) {
    if (frame.client_id) {
      this.#outbox.refused(frame.client_id, frame, Date.now(), Math.random());
    } else if (!frame.message_id && this.#store.cursors.isResuming) {
      // Nothing is replayed to us: then we look for ourselves.
      this.catchUp();
    }
  }

  /** Everything that waits and may go, goes. */
  flush() {
    const now = Date.now();
    for (const item of this.#outbox.due(now)) this.#send(item, now);
    const isWaiting = this.#lostAt !== null && now - this.#lostAt < BLINK;
    for (const mark of isWaiting ? [] : this.seen.take()) {
      if (this.#socket.send(frames.mark(mark))) continue;
      api.marked(mark).catch(({ status }) => status < 400 && this.seen.untold(mark));
    }
    if (this.#lostAt !== null && now - Math.max(this.#lostAt, this.#polled) > POLL) {
      this.#polled = now;
      this.catchUp();
    }
  }

  #send(item, now) {
    this.#outbox.sending(item.client_id, now);
    if (this.isOnline && this.#socket.send(frames.message(item))) return;
    api.send(item).then(
      (message) => this.#answered(item, message),
      (problem) => this.#unanswered(item, problem),
    );
  }

  #answered(item, message) {
    this.#outbox.acknowledged(item.client_id);
    this.#store.learn(message);
    this.flush();
    this.#on.change();
  }

  #unanswered(item, problem) {
    const now = Date.now();
    if (problem.status === 0) this.#outbox.unsent(item.client_id, now, Math.random());
    else this.#outbox.refused(item.client_id, problem, now, Math.random());
    this.#on.change();
  }

  /** Without a socket: the list, and the end of what is looked at. */
  async catchUp() {
    try {
      for (const conversation of await api.conversations()) {
        this.#store.conversations.put(conversation);
        const timeline = this.#store.timelines.get(conversation.id);
        if (timeline && !timeline.hasNewer && timeline.last < conversation.last_seq) {
          const page = await api.history(conversation.id, { after: timeline.last });
          this.#outbox.found(page.messages, this.#store.me);
          for (const message of page.messages) {
            this.#store.learn(message);
            this.#got(message);
          }
        }
      }
      this.#on.change();
    } catch {
      // Offline is a state: the next time, then.
    }
  }

  /** Too much has changed to be replayed: as it is now. */
  async reload(id) {
    try {
      const [conversation, page] = await Promise.all([api.conversation(id), api.history(id)]);
      this.#store.reload(conversation, page);
      // What told that they are sent wasn't replayed.
      this.#outbox.found(page.messages, this.#store.me);
      this.flush();
      this.#on.change();
    } catch ({ status }) {
      if (status === 0) setTimeout(() => this.reload(id), POLL);
    }
  }
}
