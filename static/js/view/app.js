/** The messenger: the open conversation and the page's other parts. */
import * as api from '../net/api.js';
import { now, setClock, wake } from '../lib/clock.js';
import { find, piece } from '../lib/dom.js';
import { openOutbox, uuid7 } from '../net/outbox.js';
import { Sync } from '../net/sync.js';
import { Store } from '../state/store.js';
import { attempt } from './actions.js';
import { Composer } from './composer.js';
import { ConnectionBar } from './connection.js';
import { withModule } from './dialog.js';
import { openEmoji } from './emoji.js';
import { closeLayers, goBack, handleMove, matchHistory, pageUrl } from './layers.js';
import { List } from './list.js';
import { drawMe } from './me.js';
import { Notices } from './notices.js';
import { Panels } from './panels.js';
import { Seek } from './seek.js';
import { Thread } from './thread.js';

/** Milliseconds between redraws, which update ages. */
const REDRAW = 20_000;
/** Milliseconds of sleep after which the clock is compared with the server's. */
const SLEEP = 5_000;

export class App {
  me;
  store;
  outbox;
  sync;
  /** @type {Thread | null} */
  thread = null;
  seek;
  panels;
  list;
  #notices;
  #connection;
  #blank;
  #isDue = false;
  #typingEnds = 0;
  /** Settles once the browser is back at the list. Until then, going back would
   * close a newly pushed history entry. */
  #returning = Promise.resolve();
  /** Counts what the user has chosen to open, and typed into a composer. */
  #choices = 0;
  #typed = 0;

  constructor(start) {
    this.me = start.me;
    setClock(Date.parse(start.server_time));
    this.store = new Store(start);
    this.outbox = openOutbox(start.me.id, () => this.change());
    this.sync = new Sync(this.store, this.outbox, {
      change: () => this.change(),
      arrived: (message) => this.#arrived(message),
      missed: (id) => id === this.openId && this.thread.noteMissed(),
      removed: () => this.change(),
      requested: (connection) => this.#notices.requested(connection),
      connected: (username) => this.connectionChanged(username),
      // The server has another history. Unsent messages are kept in storage.
      restored: () => location.reload(),
      frame: (frame) => this.panels.receive(frame),
      ended: leave,
    });
    api.whenLoggedOut(leave);
    this.#notices = new Notices(this);
    this.list = new List(this);
    this.seek = new Seek(this);
    this.panels = new Panels(this);
    this.#connection = new ConnectionBar(this);
    this.#adopt(start.open);
  }

  start() {
    addEventListener('popstate', () => {
      if (!handleMove()) this.#go(pageUrl());
    });
    this.panels.adopt();
    matchHistory();
    addEventListener('pagehide', () => this.thread?.composer.leave());
    // Asks before the tab closes: storage has refused a message.
    addEventListener('beforeunload', (event) => this.outbox.isUnsaved && event.preventDefault());
    for (const type of ['visibilitychange', 'focus', 'blur']) {
      (type === 'visibilitychange' ? document : window).addEventListener(type, () => this.#focusChanged());
    }
    document.addEventListener('input', ({ target }) => {
      if (target.closest('.composer')) this.#typed += 1;
    }, { capture: true, passive: true });
    setInterval(() => this.change(), REDRAW);
    this.render();
    document.documentElement.classList.add('is-live');
    this.sync.start();
  }

  /** Returns the time by the server's clock. */
  now() {
    return now();
  }

  /**
   * Counts a choice of what to open. A late response must open nothing if the
   * user has chosen again (`isLast`), or has typed a message (`isIdle`).
   * @returns {{ isLast: () => boolean, isIdle: () => boolean }}
   */
  choose() {
    this.#choices += 1;
    const [choices, typed] = [this.#choices, this.#typed];
    const isLast = () => choices === this.#choices;
    return { isLast, isIdle: () => isLast() && typed === this.#typed };
  }

  get openId() {
    return this.thread?.id ?? null;
  }

  /** Whether the page is visible and has the focus. */
  get isWatched() {
    return document.visibilityState === 'visible' && document.hasFocus();
  }

  /** Schedules a redraw for the next animation frame. */
  change() {
    if (this.#isDue) return;
    this.#isDue = true;
    const later = document.visibilityState === 'visible' ? requestAnimationFrame : setTimeout;
    later(() => {
      this.#isDue = false;
      this.render();
    });
  }

  render() {
    const at = now();
    this.list.render(at);
    this.thread?.render(at);
    this.panels.render(at);
    drawMe(this.me);
    this.#notices.render(at);
    this.#connection.render(at);
    this.#typing();
  }

  /** Applies a frame, or a REST response in the form of one. */
  apply(frame) {
    this.store.apply(frame, now());
    if (frame.type === 'connection') this.connectionChanged(frame.connection.user.username);
    this.change();
  }

  /** Schedules a redraw for the end of a typing indicator. */
  #typing() {
    const at = now();
    const end = this.store.typists.nextEnd(at);
    clearTimeout(this.#typingEnds);
    if (end !== null) this.#typingEnds = setTimeout(() => this.change(), end - at + 20);
  }

  /** Takes over the conversation that the server has rendered. */
  #adopt(open) {
    const node = find('main.thread');
    this.#blank = node.classList.contains('is-blank') ? node : null;
    if (open?.conversation) {
      this.thread = new Thread(this, open.conversation.id, node);
      const place = placeOf(location.href);
      this.thread.loadProfile(open.them ?? undefined);
      queueMicrotask(() => this.thread?.settle(place));
    } else if (open?.them) this.#adoptFirst(node, open.them);
  }

  /** A direct conversation that its first message will create. */
  #adoptFirst(node, them) {
    const composer = new Composer(node, {
      draft: `${this.me.id}.chat.${them.username}`,
      name: them.display_name,
      send: (text) => this.#begin(them, text, composer),
      edit: () => {},
      typing: () => {},
      last: () => null,
      emoji: openEmoji,
    });
    composer.focus();
    addEventListener('pagehide', () => composer.leave());
  }

  /** Sends the first message, even if another conversation is open by then. */
  async #begin({ username }, text, composer) {
    const { isLast } = this.choose();
    const known = this.store.conversations.directWith(username);
    const made = known ?? await attempt(this, () => api.createDirect(username));
    if (!made) {
      composer.giveBack(text);
      return;
    }
    if (!known) this.apply({ type: 'conversation', conversation: made });
    this.send(made.id, text);
    if (!isLast()) return;
    const typed = composer.take();
    await this.open(made.id, { isReplacing: true });
    // If another choice came first, the text stays a draft of this page.
    (this.openId === made.id ? this.thread.composer : composer).giveBack(typed);
  }

  /** Puts a message into the outbox, which is then sent. */
  send(id, text, replyTo = null) {
    this.outbox.add({ client_id: uuid7(), conversation_id: id, text, reply_to: replyTo }, now());
    this.sync.flush();
    this.change();
  }

  /** @param {number} id @param {{ place?: { seq: number, id?: number } | null, isReplacing?: boolean, isBack?: boolean, hasInfo?: boolean }} [how] */
  async open(id, { place = null, isReplacing = false, isBack = false, hasInfo = false } = {}) {
    const { isIdle } = this.choose();
    if (this.thread?.id === id) {
      if (place) this.thread.jump(place);
      else if (hasInfo) this.panels.info();
      else this.thread.composer.focus();
      return;
    }
    if (!this.store.conversations.get(id)) {
      const found = await attempt(this, () => api.conversation(id));
      if (!found) return;
      this.apply({ type: 'conversation', conversation: found });
    }
    await this.#returning;
    if (!isBack) await closeLayers();
    if (!isIdle()) return;
    const isFromList = !this.thread && location.pathname === '/messages';
    this.thread?.close();
    const thread = new Thread(this, id);
    this.thread = thread;
    moved();
    find('main.thread').replaceWith(thread.node);
    find('.messenger').classList.add('is-open');
    const path = `/messages?conversation=${id}`;
    if (isReplacing) history.replaceState(null, '', path);
    else if (!isBack) history.pushState({ isFromList }, '', path);
    this.render();
    if (!matchMedia('(pointer: coarse)').matches) thread.composer.focus();
    if (hasInfo) this.panels.info();
    this.#fetchParticipants(id);
    thread.loadProfile();
    await thread.settle(place);
  }

  /** Fetches a group's participants, which the list leaves out. */
  async #fetchParticipants(id) {
    const { kind, participants } = this.store.conversations.get(id);
    if (kind !== 'group' || participants.length > 1) return;
    try {
      this.store.conversations.put(await api.conversation(id));
      this.change();
    } catch {
      // The messages have their senders' names.
    }
  }

  /** Opens a direct conversation, or the page of its first message: only that
   * message creates the conversation. */
  async openWith(username) {
    const known = this.store.conversations.directWith(username);
    if (known) {
      this.seek.clear();
      if (this.openId === known.id) await closeLayers();
      await this.open(known.id);
    } else {
      await closeLayers();
      location.assign(`/messages/chat/${encodeURIComponent(username)}/`);
    }
  }

  /** Closes the conversation and shows the list. */
  close({ isBack = false } = {}) {
    this.choose();
    if (!this.thread) return;
    this.thread.close();
    const { node } = this.thread;
    this.thread = null;
    this.#blank ??= piece('blank');
    moved();
    node.replaceWith(this.#blank);
    find('.messenger').classList.remove('is-open');
    if (!isBack) this.#returning = this.#return();
    this.render();
  }

  async #return() {
    await closeLayers();
    // A thread that was opened from the list leads back to it, not to a second one.
    if (history.state?.isFromList) await goBack();
    else history.pushState(null, '', '/messages');
  }

  /** Opens the conversation of a link; false for other links. */
  follow(href) {
    const url = new URL(href, location.href);
    if (url.origin !== location.origin) return false;
    const chat = /^\/messages\/chat\/([^/]+)\/?$/u.exec(url.pathname);
    if (chat) {
      const username = decodeURIComponent(chat[1]);
      const isKnown = Boolean(this.store.conversations.directWith(username));
      if (isKnown) this.openWith(username);
      return isKnown;
    }
    if (url.pathname !== '/messages') return this.panels.follow(url.href);
    if (url.searchParams.has('list')) return false;
    const id = Number(url.searchParams.get('conversation'));
    if (id) this.open(id, { place: placeOf(url.href), hasInfo: url.searchParams.get('info') === '1' });
    else if (!this.thread) return false;
    else this.close();
    return true;
  }

  #go(href) {
    const id = Number(new URL(href).searchParams.get('conversation'));
    if (id) this.open(id, { place: placeOf(href), isBack: true });
    else if (new URL(href).pathname === '/messages') {
      // Without a thread, closing would only cancel a newer choice.
      if (this.thread) this.close({ isBack: true });
    } else location.reload();
  }

  /** Shows the info of a conversation, which may not be open yet. */
  about({ id }) {
    return this.open(id, { hasInfo: true });
  }

  startNew() {
    return withModule(import('../sheets/people.js'), ({ openNew }) => openNew(this));
  }

  #arrived(message) {
    if (message.conversation_id === this.openId) this.thread.arrived(message);
    this.#notices.arrived(message);
  }

  /** A connection has changed, and with it whether the user may write. */
  connectionChanged(username) {
    const { thread, store } = this;
    if (!thread?.conversation) return;
    const other = store.conversations.other(thread.conversation)?.user;
    if (other && (username === null || other.username === username)) thread.loadProfile();
  }

  #focusChanged() {
    if (wake() > SLEEP) this.sync.compareClock();
    if (this.isWatched) this.thread?.look();
    // A hidden page has no frames: the redraw that waits for one may never come.
    this.#isDue = false;
    this.change();
  }

  /** Marks all messages up to this one as read. */
  read(conversation, message) {
    const { conversations, timelines } = this.store;
    const mark = conversations.mark(conversation);
    if (mark) mark.read_seq = Math.max(mark.read_seq, message.seq);
    const timeline = timelines.get(conversation.id);
    if (timeline && timeline.last >= conversation.last_seq) {
      conversation.unread_count = timeline.messages.filter(({ seq, sender, kind, deleted }) =>
        seq > message.seq && sender.id !== this.me.id && kind === 'text' && !deleted).length;
    }
    this.sync.seen.reach('read_receipt', {
      conversation_id: conversation.id, id: message.id, seq: message.seq,
    });
    this.sync.flush();
    this.change();
  }
}

/** Lets the list and the conversation slide in. The first page doesn't move. */
const moved = () => document.documentElement.classList.add('has-moved');

/** Goes to the login page, which leads back here. */
async function leave() {
  // A move in the history would cancel the response to a logout.
  if (!api.isFormSent()) await closeLayers();
  api.logInAgain();
}

/** Returns the message that a URL points to, or null. */
function placeOf(href) {
  const url = new URL(href);
  const seq = Number(url.searchParams.get('around'));
  const id = Number(/^#message-(\d+)$/u.exec(url.hash)?.[1]);
  return seq || id ? { seq: seq || undefined, id: id || undefined } : null;
}
