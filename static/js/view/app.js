/** The messenger: what is open, and everything that has to know of it. */
import * as api from '../net/api.js';
import { element, find, write } from '../lib/dom.js';
import { openOutbox, uuid7 } from '../net/outbox.js';
import { Sync } from '../net/sync.js';
import { Store } from '../state/store.js';
import { attempt } from './actions.js';
import { Composer } from './composer.js';
import { openEmoji } from './emoji.js';
import { List } from './list.js';
import { Notices } from './notices.js';
import { Seek } from './seek.js';
import { Thread } from './thread.js';
import { say } from './toast.js';

/** How often times are looked at again. */
const AGES = 20_000;
/** Less than this is no loss of connection, but a blink. */
const BLINK = 1_000;

export class App {
  me;
  store;
  outbox;
  sync;
  /** @type {Thread | null} */
  thread = null;
  seek;
  #list;
  #notices;
  #banner;
  #blank;
  #skew;
  #isDue = false;
  #typingEnds = 0;
  /** Ends when the browser has gone back to the list. An entry that is pushed
   * before that would be closed by it. */
  #returning = Promise.resolve();
  #returned = () => {};
  /** What the user has chosen so far, and typed into a composer. */
  #choices = 0;
  #typed = 0;

  constructor(start) {
    this.me = start.me;
    /** What an open sheet does when a user is called otherwise. */
    this.onRenamed = null;
    this.#skew = Date.parse(start.server_time) - Date.now();
    this.store = new Store(start);
    this.outbox = openOutbox(start.me.id);
    this.sync = new Sync(this.store, this.outbox, {
      change: () => this.change(),
      arrived: (message) => this.#arrived(message),
      removed: () => this.change(),
      connected: (username) => this.#stands(username),
      // All that the page knows may be lost. What is unsent is kept beside it.
      restored: () => location.reload(),
      renamed: () => this.onRenamed?.(),
      ended: leave,
    });
    api.whenLoggedOut(leave);
    this.#notices = new Notices(this);
    this.#list = new List(this);
    this.seek = new Seek(this);
    this.#banner = find('.banner');
    this.#adopt(start.open);
  }

  start() {
    addEventListener('popstate', () => {
      this.#returned();
      this.#go(location.href);
    });
    addEventListener('pagehide', () => this.thread?.composer.leave());
    for (const type of ['visibilitychange', 'focus', 'blur']) {
      (type === 'visibilitychange' ? document : window).addEventListener(type, () => this.#looked());
    }
    document.addEventListener('input', ({ target }) => {
      if (target.closest('.composer')) this.#typed += 1;
    }, { capture: true, passive: true });
    setInterval(() => this.change(), AGES);
    this.render();
    this.sync.start();
    setTimeout(() => this.change(), BLINK + 100);
  }

  /** What the server's clock says. */
  now() {
    return Date.now() + this.#skew;
  }

  /**
   * A new choice of what to open. A late answer opens nothing if the user has
   * chosen something else since, or writes where they are.
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

  /** Whether somebody looks at this page. */
  get isWatched() {
    return document.visibilityState === 'visible' && document.hasFocus();
  }

  /** Something has changed: shown with the next frame. */
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
    const now = this.now();
    this.#list.render(now);
    this.thread?.render(now);
    this.#notices.render(now);
    this.#connection();
    this.#typing();
  }

  /** A frame, or what is as good as one. */
  hear(frame) {
    this.store.apply(frame, Date.now());
    if (frame.type === 'connection') this.#stands(frame.connection.user.username);
    this.change();
  }

  #connection() {
    const { lostAt } = this.sync;
    const isLost = lostAt !== null && Date.now() - lostAt >= BLINK;
    write(this.#banner, isLost ? 'Connecting…' : '');
    if (lostAt !== null && !isLost) setTimeout(() => this.change(), BLINK);
  }

  /** Somebody falls silent without a word of it. */
  #typing() {
    const now = Date.now();
    const end = this.store.typists.nextEnd(now);
    clearTimeout(this.#typingEnds);
    if (end !== null) this.#typingEnds = setTimeout(() => this.change(), end - now + 20);
  }

  /** The conversation that the server has put into the page. */
  #adopt(open) {
    const node = find('main.thread');
    this.#blank = node.classList.contains('is-blank') ? node : null;
    if (open?.conversation) {
      this.thread = new Thread(this, open.conversation.id, node);
      const place = placeOf(location.href);
      this.thread.learn(open.them ?? undefined);
      queueMicrotask(() => this.thread?.settle(place));
    } else if (open?.them) this.#adoptFirst(node, open.them);
  }

  /** A conversation that begins with what is written now. */
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

  /** Whatever is open by then, the text goes to whom it was written for. */
  async #begin({ username }, text, composer) {
    const { isLast } = this.choose();
    const known = this.store.conversations.directWith(username);
    const made = known ?? await attempt(this, () => api.createDirect(username));
    if (!made) {
      composer.giveBack(text);
      return;
    }
    if (!known) this.hear({ type: 'conversation', conversation: made });
    this.send(made.id, text);
    if (!isLast()) return;
    const typed = composer.take();
    await this.open(made.id, { isReplacing: true });
    if (this.openId === made.id) this.thread.composer.giveBack(typed);
  }

  /** Puts a message into the outbox, from where it is sent. */
  send(id, text, replyTo = null) {
    this.outbox.add({ client_id: uuid7(), conversation_id: id, text, reply_to: replyTo }, Date.now());
    this.sync.flush();
    this.change();
  }

  /** @param {number} id @param {{ place?: { seq: number, id?: number } | null, isReplacing?: boolean, isBack?: boolean }} [how] */
  async open(id, { place = null, isReplacing = false, isBack = false } = {}) {
    const { isIdle } = this.choose();
    if (this.thread?.id === id) {
      if (place) this.thread.jump(place);
      else this.thread.composer.focus();
      return;
    }
    if (!this.store.conversations.get(id)) {
      const found = await attempt(this, () => api.conversation(id));
      if (!found) return;
      this.hear({ type: 'conversation', conversation: found });
    }
    await this.#returning;
    if (!isIdle()) return;
    const isFromList = !this.thread && location.pathname === '/messages';
    this.thread?.close();
    const thread = new Thread(this, id);
    this.thread = thread;
    find('main.thread').replaceWith(thread.node);
    find('.messenger').classList.add('is-open');
    const path = `/messages?conversation=${id}`;
    if (isReplacing) history.replaceState(null, '', path);
    else if (!isBack) history.pushState({ isFromList }, '', path);
    this.render();
    if (!matchMedia('(pointer: coarse)').matches) thread.composer.focus();
    this.#learnPeople(id);
    thread.learn();
    await thread.settle(place);
  }

  /** The list tells nobody of a group. */
  async #learnPeople(id) {
    const { kind, participants } = this.store.conversations.get(id);
    if (kind !== 'group' || participants.length > 1) return;
    try {
      this.store.conversations.put(await api.conversation(id));
      this.change();
    } catch {
      // Names are in the messages, too.
    }
  }

  async openWith(username) {
    const { isIdle } = this.choose();
    const known = this.store.conversations.directWith(username);
    const made = known ?? await attempt(this, () => api.createDirect(username));
    if (!made) return;
    if (!known) this.hear({ type: 'conversation', conversation: made });
    if (!isIdle()) return;
    this.seek.clear();
    await this.open(made.id);
  }

  /** Back to the list. */
  close({ isBack = false } = {}) {
    this.choose();
    if (!this.thread) return;
    this.thread.close();
    const { node } = this.thread;
    this.thread = null;
    this.#blank ??= element('main', { class: 'thread is-blank' },
      element('h1', { class: 'unseen' }, 'Messages'),
      element('p', {}, 'Choose a conversation, or start one with somebody.'));
    node.replaceWith(this.#blank);
    find('.messenger').classList.remove('is-open');
    // A thread that was opened from the list leads back to it, not to a second one.
    if (!isBack && history.state?.isFromList) this.#return();
    else if (!isBack) history.pushState(null, '', '/messages');
    this.render();
  }

  #return() {
    this.#returning = new Promise((resolve) => { this.#returned = resolve; });
    history.back();
  }

  /** To where a link of ours leads; false where it leads elsewhere. */
  follow(href) {
    const url = new URL(href, location.href);
    if (url.origin !== location.origin) return false;
    const chat = /^\/messages\/chat\/([^/]+)\/?$/u.exec(url.pathname);
    if (chat) this.openWith(decodeURIComponent(chat[1]));
    if (chat || url.pathname !== '/messages') return Boolean(chat);
    if (url.searchParams.has('list')) return false;
    const id = Number(url.searchParams.get('conversation'));
    if (id) this.open(id, { place: placeOf(url.href) });
    else this.close();
    return true;
  }

  #go(href) {
    const id = Number(new URL(href).searchParams.get('conversation'));
    if (id) this.open(id, { place: placeOf(href), isBack: true });
    else if (new URL(href).pathname === '/messages') {
      // A conversation may be chosen already: closing nothing must not undo that.
      if (this.thread) this.close({ isBack: true });
    } else location.reload();
  }

  about(conversation) {
    return withModule(import('../sheets/about.js'), ({ openAbout }) => openAbout(this, conversation));
  }

  startNew() {
    return withModule(import('../sheets/people.js'), ({ openNew }) => openNew(this));
  }

  #arrived(message) {
    if (message.conversation_id === this.openId) this.thread.arrived(message);
    this.#notices.arrived(message);
  }

  /** How one stands to somebody has changed: whether one may write, with it. */
  #stands(username) {
    const { thread, store } = this;
    if (!thread?.conversation) return;
    const other = store.conversations.other(thread.conversation)?.user;
    if (other && (username === null || other.username === username)) thread.learn();
  }

  #looked() {
    if (this.isWatched) this.thread?.look();
    this.change();
  }

  /** Somebody has seen everything up to this. */
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

/** To the login, and from there back to here. */
function leave() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Opens a sheet whose module is loaded when it is first opened. */
async function withModule(loading, open) {
  const module = await loading.catch(() => null);
  if (module) open(module);
  else say('That could not be loaded. Try again.');
}

/** The message that an address points to. */
function placeOf(href) {
  const url = new URL(href);
  const seq = Number(url.searchParams.get('around'));
  const id = Number(/^#message-(\d+)$/u.exec(url.hash)?.[1]);
  return seq || id ? { seq: seq || undefined, id: id || undefined } : null;
}
