/**
 * Synchronizes the store with the server: applies incoming frames, and sends
 * unsent messages and marks over the socket, or over REST without one.
 */
import { now, setClock } from '../lib/clock.js';
import { delay } from '../state/backoff.js';
import { Seen } from '../state/seen.js';
import * as api from './api.js';
import * as frames from './protocol.js';
import { Socket } from './socket.js';
import { Unversioned } from './unversioned.js';

const FLUSH = 1_000;
/** Milliseconds that marks wait for the socket to reopen. */
const GRACE = 3_000;
/** Milliseconds between REST polls while there is no socket. */
const POLL = 10_000;
/** The longest replay that isn't drawn before its end, in milliseconds. */
const REPLAY = 1_000;
/** The number of announced messages to remember. */
const ANNOUNCED = 1_000;

/** Returns the milliseconds to wait after a problem: at least `least`. */
const pause = ({ retry_after: seconds = 0 }, least) => Math.max(least, seconds * 1_000);

export class Sync {
  seen = new Seen();
  /** Whether REST requests reach the server, as far as is known. */
  isReachable = true;
  #store;
  #outbox;
  #socket;
  #on;
  #unversioned;
  #lostAt = now();
  #openedAt = 0;
  #polled = now();
  #gaps = new Set();
  /** The messages of unknown conversations that are being fetched, by id.
   * @type {Map<number, any[]>} */
  #fetching = new Map();
  #isListing = false;
  /** Ids of the latest messages that were announced. */
  #announced = new Set();
  /** When marks may be sent over REST again, and the refusals before. */
  #marksAt = 0;
  #refusals = 0;

  /**
   * @param {import('../state/store.js').Store} store
   * @param {import('../state/outbox.js').Outbox} outbox
   * @param {{ change: () => void, arrived: (message: any) => void,
   *   missed: (id: number) => void, removed: (id: number) => void,
   *   requested: (connection: any) => void,
   *   connected: (username: string | null) => void, restored: () => void,
   *   frame: (frame: any) => void, ended: () => void }} on
   */
  constructor(store, outbox, on) {
    this.#store = store;
    this.#outbox = outbox;
    this.#on = on;
    this.#unversioned = new Unversioned(store, on);
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

  /** Milliseconds until the next attempt to connect; null during one. */
  get wait() {
    return this.#socket.wait;
  }

  /** Connects now rather than after the delay. */
  retry() {
    this.#socket.retry();
  }

  /** Compares the clock with the server's, which every response names. */
  compareClock() {
    this.#checkLogin();
  }

  /** Sends a frame if there is a socket, and drops it otherwise. */
  trySend(frame) {
    this.#socket.send(frame);
  }

  #opened() {
    this.#lostAt = null;
    this.isReachable = true;
    setTimeout(() => this.#on.change(), REPLAY);
    this.#gaps.clear();
    this.#store.cursors.begin();
    const { cursors, epoch, peopleVersion: people, since } = this.#store;
    this.#socket.send(frames.resumeAll(cursors.all(), { epoch, people, since }));
    this.#outbox.clearDelays();
    this.flush();
    this.#unversioned.fetch();
  }

  #closed() {
    this.#lostAt ??= now();
    this.#store.typists.clear();
    this.#outbox.lost();
    this.seen.lost();
    this.flush();
    this.#on.change();
  }

  /** Browsers hide why a socket doesn't open. If the login has ended, any REST
   * response is a 401. */
  async #checkLogin() {
    try {
      await api.me();
      this.isReachable = true;
    } catch (problem) {
      // `whenLoggedOut` handles a 401.
      this.isReachable = !api.isTemporary(problem);
    }
    this.#on.change();
  }

  #receive(frame) {
    if (frame.type === 'hello') {
      setClock(Date.parse(frame.server_time));
      this.#openedAt = now();
    }
    if (frame.type === 'error') this.#refused(frame);
    this.#unversioned.saw(frame);
    const isMine = frame.type === 'message' && frame.message.sender.id === this.#store.me.id;
    if (isMine && frame.message.client_id) this.#outbox.acknowledged(frame.message.client_id);
    this.#confirmMarks(frame);
    for (const effect of this.#store.apply(frame, now())) this.#follow(effect);
    if (frame.type === 'connection') this.#on.connected(frame.connection.user.username);
    if (frame.type === 'message') this.#markDelivered(frame.message);
    if (isMine) this.flush();
    this.#on.frame(frame);
    this.#on.change();
  }

  /** Takes in that the server has the user's own marks. */
  #confirmMarks({ type, user_id: user, conversation_id: id, seq, conversation }) {
    const { me } = this.#store;
    if (user === me.id && ['delivered', 'read_receipt'].includes(type)) this.seen.known(type, id, seq);
    const mine = conversation?.participants.find((one) => one.user.id === me.id);
    if (!mine) return;
    this.seen.known('delivered', conversation.id, mine.delivered_seq);
    this.seen.known('read_receipt', conversation.id, mine.read_seq);
  }

  /** Announces each message once: the socket and a poll may both bring it. */
  #arrived(message) {
    if (this.#announced.has(message.id)) return;
    this.#announced.add(message.id);
    if (this.#announced.size > ANNOUNCED) this.#announced.delete(this.#announced.values().next().value);
    this.#on.arrived(message);
  }

  #follow(effect) {
    const id = effect.conversation_id;
    if (effect.kind === 'arrived') this.#arrived(effect.message);
    if (effect.kind === 'removed') this.#on.removed(id);
    if (effect.kind === 'requested') this.#on.requested(effect.connection);
    if (effect.kind === 'reset') this.reload(id);
    if (effect.kind === 'restored') this.#on.restored();
    if (effect.kind === 'more') this.#list();
    if (effect.kind === 'unknown') this.#fetchUnknown(id, effect.message);
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

  /** Fetches a conversation that isn't loaded, and then announces its messages. */
  async #fetchUnknown(id, message) {
    const known = this.#fetching.get(id);
    if (known) {
      known.push(message);
      return;
    }
    const arrived = [message];
    this.#fetching.set(id, arrived);
    try {
      this.#show(await api.conversation(id));
      for (const each of arrived) this.#arrived(each);
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
    const isWaiting = this.#lostAt !== null && at < Math.max(this.#lostAt + GRACE, this.#marksAt);
    for (const mark of isWaiting ? [] : this.seen.take()) {
      if (!this.#socket.send(frames.mark(mark))) this.#mark(mark);
    }
    if (this.#lostAt !== null && at - Math.max(this.#lostAt, this.#polled) > POLL) {
      this.#polled = at;
      this.catchUp();
    }
  }

  async #mark(mark) {
    try {
      await api.marked(mark);
      this.seen.known(mark.type, mark.conversation_id, mark.seq);
      this.#refusals = 0;
    } catch (problem) {
      if (!api.isTemporary(problem)) return;
      this.seen.untold(mark);
      this.#refusals += 1;
      this.#marksAt = now() + pause(problem, delay(this.#refusals, Math.random()));
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
            this.#arrived(message);
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
    } catch (problem) {
      if (api.isTemporary(problem)) setTimeout(() => this.reload(id), pause(problem, POLL));
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
