/**
 * Synchronizes the store with the server: applies incoming frames, and sends
 * unsent messages and marks over the socket, or over REST without one.
 */
import { now, setClock } from '../lib/clock.js';
import { Seen } from '../state/seen.js';
import * as api from './api.js';
import * as frames from './protocol.js';
import { Socket } from './socket.js';

const FLUSH = 1_000;
/** Milliseconds that marks wait for the socket to reopen. */
const GRACE = 3_000;
/** Milliseconds between REST polls while there is no socket. */
const POLL = 10_000;
/** The longest replay that isn't drawn before its end, in milliseconds. */
const REPLAY = 1_000;
/** The number of conversations in a page of the list. */
const PAGE = 50;
/** Represents invitations in `#updated`. */
const INVITATION = Symbol('invitation');

/** Replaces a conversation that the server refuses; other problems are thrown. */
const emptyIfRefused = (problem) => {
  if (!problem.status) throw problem;
  return { participants: [] };
};

export class Sync {
  seen = new Seen();
  #store;
  #outbox;
  #socket;
  #on;
  #lostAt = now();
  #openedAt = 0;
  #polled = now();
  #isFirst = true;
  /** Ids of users that frames have updated since `#refetch` began. */
  #updated = new Set();
  #gaps = new Set();
  /** Ids of unknown conversations that are being fetched. */
  #fetching = new Set();
  #isListing = false;

  /**
   * @param {import('../state/store.js').Store} store
   * @param {import('../state/outbox.js').Outbox} outbox
   * @param {{ change: () => void, arrived: (message: any) => void,
   *   missed: (id: number) => void, removed: (id: number) => void,
   *   connected: (username: string | null) => void, restored: () => void,
   *   frame: (frame: any) => void, ended: () => void }} on
   */
  constructor(store, outbox, on) {
    this.#store = store;
    this.#outbox = outbox;
    this.#on = on;
    this.#socket = new Socket({
      open: () => this.#opened(),
      frame: (frame) => this.#receive(frame),
      close: () => this.#closed(),
      ended: () => on.ended(),
      refused: () => this.#checkLogin(),
    });
  }

  start() {
    this.#socket.open();
    setInterval(() => this.flush(), FLUSH);
  }

  get isOnline() {
    return this.#socket.isOpen && this.#lostAt === null;
  }

  /** Whether a replay is running; one that takes longer counts as ended. */
  get isReplaying() {
    return this.isOnline && this.#store.cursors.isResuming && now() - this.#openedAt < REPLAY;
  }

  /** The time since which the socket is closed; null while it is open. */
  get lostAt() {
    return this.#lostAt;
  }

  /** Sends a frame if there is a socket, and drops it otherwise. */
  trySend(frame) {
    this.#socket.send(frame);
  }

  #opened() {
    this.#lostAt = null;
    setTimeout(() => this.#on.change(), REPLAY);
    this.#gaps.clear();
    this.#store.cursors.begin();
    const { cursors, epoch, peopleVersion } = this.#store;
    this.#socket.send(frames.resumeAll(cursors.all(), epoch, peopleVersion));
    this.#outbox.clearDelays();
    this.flush();
    this.#refetch();
  }

  /** Fetches state without a version, which a resume doesn't replay: presence,
   * connections and invitations. */
  async #refetch() {
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

  #closed() {
    this.#lostAt ??= now();
    this.#store.typists.clear();
    this.#outbox.lost();
    this.flush();
    this.#on.change();
  }

  /** Browsers hide why a socket doesn't open. If the login has ended, any REST
   * response is a 401. */
  async #checkLogin() {
    try {
      await api.me();
    } catch {
      // `whenLoggedOut` handles a 401; being offline needs no handling.
    }
  }

  #receive(frame) {
    if (frame.type === 'hello') {
      setClock(Date.parse(frame.server_time));
      this.#openedAt = now();
    }
    if (frame.type === 'error') this.#refused(frame);
    if (frame.type === 'user_status') this.#updated.add(frame.user_id);
    if (frame.type === 'connection') this.#updated.add(frame.connection.user.id);
    if (frame.type === 'invitation') this.#updated.add(INVITATION);
    const isMine = frame.type === 'message' && frame.message.sender.id === this.#store.me.id;
    if (isMine && frame.message.client_id) this.#outbox.acknowledged(frame.message.client_id);
    if (frame.type === 'read_receipt' && frame.user_id === this.#store.me.id) {
      this.seen.known('read_receipt', frame.conversation_id, frame.seq);
    }
    for (const effect of this.#store.apply(frame, now())) this.#follow(effect);
    if (frame.type === 'connection') this.#on.connected(frame.connection.user.username);
    if (frame.type === 'message') this.#markDelivered(frame.message);
    if (isMine) this.flush();
    this.#on.frame(frame);
    this.#on.change();
  }

  #follow(effect) {
    const id = effect.conversation_id;
    if (effect.kind === 'arrived') this.#on.arrived(effect.message);
    if (effect.kind === 'removed') this.#on.removed(id);
    if (effect.kind === 'reset') this.reload(id);
    if (effect.kind === 'restored') this.#on.restored();
    if (effect.kind === 'more') this.#list();
    if (effect.kind === 'unknown') this.#fetchUnknown(id);
    if (effect.kind === 'gap' && !this.#gaps.has(id)) {
      this.#gaps.add(id);
      setTimeout(() => this.#gaps.delete(id), POLL);
      const { cursors, epoch } = this.#store;
      this.#socket.send(frames.resumeOne(id, cursors.get(id), epoch));
    }
  }

  /** Fetches the rest of the list: a resume has only the newest entries. */
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
      // The next resume reports again that there are more.
    } finally {
      this.#isListing = false;
    }
  }

  /** Fetches a conversation that isn't listed yet. */
  async #fetchUnknown(id) {
    if (this.#fetching.has(id)) return;
    this.#fetching.add(id);
    try {
      this.#show(await api.conversation(id));
    } catch {
      // The next resume brings it.
    } finally {
      this.#fetching.delete(id);
    }
  }

  #show(conversation) {
    this.#store.apply({ type: 'conversation', conversation }, now());
    this.#on.change();
  }

  #markDelivered(message) {
    if (message.sender.id === this.#store.me.id) return;
    this.seen.reach('delivered', {
      conversation_id: message.conversation_id, id: message.id, seq: message.seq,
    });
  }

  #refused(frame) {
    if (frame.client_id) {
      this.#outbox.refused(frame.client_id, frame, now(), Math.random());
    } else if (!frame.message_id && this.#store.cursors.isResuming) {
      // The server refused the resume: fetch over REST instead.
      this.catchUp();
    }
  }

  /** Sends all messages and marks that are due, and polls without a socket. */
  flush() {
    const at = now();
    for (const item of this.#outbox.due(at)) this.#send(item, at);
    const isWaiting = this.#lostAt !== null && at - this.#lostAt < GRACE;
    for (const mark of isWaiting ? [] : this.seen.take()) {
      if (this.#socket.send(frames.mark(mark))) continue;
      api.marked(mark).catch(({ status }) => status < 400 && this.seen.untold(mark));
    }
    if (this.#lostAt !== null && at - Math.max(this.#lostAt, this.#polled) > POLL) {
      this.#polled = at;
      this.catchUp();
    }
  }

  #send(item, at) {
    this.#outbox.sending(item.client_id, at);
    if (this.isOnline && this.#socket.send(frames.message(item))) return;
    api.send(item).then(
      (message) => this.#answered(item, message),
      (problem) => this.#unanswered(item, problem),
    );
  }

  #answered(item, message) {
    this.#outbox.acknowledged(item.client_id);
    this.#store.applyMessage(message);
    this.flush();
    this.#on.change();
  }

  #unanswered(item, problem) {
    const at = now();
    if (problem.status === 0) this.#outbox.unsent(item.client_id, at, Math.random());
    else this.#outbox.refused(item.client_id, problem, at, Math.random());
    this.#on.change();
  }

  /** Without a socket: fetches the list, and new messages of open timelines. */
  async catchUp() {
    try {
      for (const conversation of await api.conversations()) {
        this.#store.conversations.put(conversation);
        const timeline = this.#store.timelines.get(conversation.id);
        if (timeline && !timeline.hasNewer && timeline.last < conversation.last_seq) {
          const page = await api.history(conversation.id, { after: timeline.last });
          this.#outbox.found(page.messages, this.#store.me);
          timeline.append(page.messages, page.has_newer);
          for (const message of page.messages) {
            this.#markDelivered(message);
            this.#on.arrived(message);
          }
          if (page.has_newer) this.#on.missed(conversation.id);
        }
      }
      this.#on.change();
    } catch {
      // Offline: the next poll tries again.
    }
  }

  /** Fetches a conversation with too many changes for a replay. */
  async reload(id) {
    try {
      const conversation = await api.conversation(id);
      const page = await this.#fetchAgain(id);
      this.#store.reload(conversation, page);
      // The echoes of sent messages were not replayed.
      this.#outbox.found(page.messages, this.#store.me);
      this.flush();
      this.#on.missed(id);
      this.#on.change();
    } catch ({ status }) {
      if (status === 0) setTimeout(() => this.reload(id), POLL);
    }
  }

  /** Fetches the messages of a timeline again: the user stays among them. */
  async #fetchAgain(id) {
    const { first = 0, last = 0 } = this.#store.timelines.get(id) ?? {};
    if (!last) return api.history(id);
    const page = await api.history(id, { after: first - 1, limit: 100 });
    while (page.has_newer && page.messages.at(-1).seq < last) {
      const next = await api.history(id, { after: page.messages.at(-1).seq, limit: 100 });
      page.messages.push(...next.messages);
      page.has_newer = next.has_newer;
    }
    return page;
  }
}
