/** The open conversation: its header, messages and composer. */
import * as api from '../net/api.js';
import * as frames from '../net/protocol.js';
import { find, piece, show, write } from '../lib/dom.js';
import { firstOf } from '../lib/text.js';
import { called } from '../lib/names.js';
import { presenceText } from '../lib/time.js';
import { membersText } from '../state/conversations.js';
import { Timeline } from '../state/timeline.js';
import { TypingNews } from '../state/typing.js';
import { closedState, drawClosed } from './closed.js';
import { Composer } from './composer.js';
import { openEmoji } from './emoji.js';
import { setPresence } from './faces.js';
import { History } from './history.js';
import { setAvatar, typingText } from './row.js';
import { say, tellListeners } from './toast.js';

/** The maximum number of messages in the page. */
const MOST = 250;
/** Milliseconds until a failed request is repeated. */
const AGAIN = 2_000;
/** The age in milliseconds at which an arriving message is late: the page may
 * have slept, and the user may have been away. */
const LATE = 30_000;

export class Thread {
  id;
  node;
  history;
  composer;
  /** The other user's profile in a direct conversation. */
  them = null;
  #app;
  #line = null;
  #isFetching = false;
  #isSettled = false;
  #newer = 0;
  #again = 0;
  #typingNews = new TypingNews();

  /** @param {HTMLElement} node the page's own, or a new one */
  constructor(app, id, node = piece('thread')) {
    this.#app = app;
    this.id = id;
    this.node = node;
    this.#setLine();
    this.history = new History(node, {
      older: () => this.#older(),
      newer: () => this.#fetchNewer(),
      seen: () => this.look(),
      scrolled: () => this.#showEnd(),
    });
    this.composer = new Composer(node, {
      draft: `${app.me.id}.${id}`,
      name: this.name,
      send: (text, replyTo) => this.send(text, replyTo),
      edit: (message, text) => this.#edit(message, text),
      typing: (isTyping) => app.sync.trySend(frames.typing(id, isTyping)),
      last: () => this.#lastOwn(),
      called: (user) => (user.id === app.me.id ? 'yourself' : called(user, this.alike.has(user.id))),
      emoji: openEmoji,
    });
    find('[data-act="end"]', node).addEventListener('click', () => this.toEnd());
  }

  get conversation() {
    return this.#app.store.conversations.get(this.id);
  }

  get name() {
    return this.#app.store.conversations.name(this.conversation);
  }

  /** Ids of the shown users whose names look alike. */
  get alike() {
    const senders = this.timeline?.messages.flatMap(({ sender, reply_to: answered }) =>
      (answered ? [sender, answered.sender] : [sender])) ?? [];
    return this.#app.store.conversations.alike(this.conversation, senders);
  }

  get timeline() {
    return this.#app.store.timelines.get(this.id);
  }

  /** Scrolls to `place`, else to the unread line or the end. */
  async settle(place = null) {
    const firstNew = this.#line ? this.#line.after + 1 : null;
    const from = await this.#seqOf(place) ?? firstNew;
    const needs = !this.timeline || (from !== null && !this.timeline.has(from)
      && (place || this.timeline.hasOlder) && from < (this.timeline.first || Infinity));
    const isElsewhere = place && from !== null && !this.timeline?.has(from);
    if (needs || isElsewhere) await this.#fetch(from);
    if (!this.node.isConnected) return;
    if (!this.timeline) {
      // Without a history, nothing can be shown: try again.
      this.#again = setTimeout(() => this.settle(place), AGAIN);
      return;
    }
    this.#again = 0;
    this.render(this.#app.now());
    this.#isSettled = true;
    if (place) this.#pointTo({ ...place, seq: from });
    else if (this.#line) this.history.toUnread() || this.history.atEndAtOnce();
    // The observer reports what is visible with the next animation frame.
    requestAnimationFrame(() => requestAnimationFrame(() => this.look()));
  }

  #pointTo({ id, seq }) {
    const found = id ?? this.timeline.messages.find((message) => message.seq === seq)?.id;
    if (!found || !this.history.point(found)) say('This message no longer exists.');
  }

  /** Returns a message's `seq`; if it isn't loaded, its URL must have that. */
  async #seqOf(place) {
    if (!place || place.seq) return place?.seq ?? null;
    if (!this.timeline) await this.#fetch(null);
    return this.timeline?.withId(place.id)?.seq ?? null;
  }

  async #fetch(around) {
    try {
      const page = await api.history(this.id, around === null ? {} : { around });
      this.#app.store.timelines.set(this.id, new Timeline(page));
    } catch (problem) {
      // Report the error once, not at each retry.
      if (!this.#again) say(problem.detail);
    }
  }

  /** Loads the other's profile, which says whether the user may write. */
  async loadProfile(them) {
    const other = this.#app.store.conversations.other(this.conversation);
    if (!other) return;
    try {
      this.them = them ?? await api.profile(other.user.username);
      this.#app.change();
    } catch {
      // The composer stays open: the server checks each message anyway.
    }
  }

  render(now, { isUrgent = false } = {}) {
    const { conversation, timeline } = this;
    if (!conversation) return;
    const { alike } = this;
    this.#head(conversation, now, alike);
    this.#close(conversation);
    // A replay is drawn as a whole: the page follows its end only if it fits.
    const isDue = isUrgent || !this.#isSettled || !this.#app.sync.isReplaying;
    if (!timeline || !isDue) return;
    const draw = () => this.history.render(timeline, {
      me: this.#app.me,
      conversation,
      waiting: this.#app.outbox.of(this.id),
      line: this.#line,
      readSeq: this.#readSeq,
      now,
      name: this.name,
      alike,
    });
    if (!draw()) {
      this.noteMissed();
      draw();
    }
    this.#showEnd();
  }

  #head(conversation, now, alike) {
    const { conversations, typists } = this.#app.store;
    const other = conversations.other(conversation);
    const typing = typists.at(this.id, now);
    const face = find('.bar .face', this.node);
    face.classList.toggle('is-group', conversation.kind === 'group');
    setPresence(face, other?.is_online ?? null);
    setAvatar(find('.avatar', face), conversations.title(conversation));
    write(find('h1', this.node), this.name);
    find('.bar [data-act="about"]', this.node)?.setAttribute('aria-label', `Chat info: ${this.name}`);
    let hint = find('.bar-name .hint', this.node);
    if (!hint) {
      hint = document.createElement('p');
      hint.className = 'hint';
      find('.bar-name', this.node).append(hint);
    }
    if (this.#typingNews.isNews(typing.length > 0, now)) {
      tellListeners(`${this.name}: ${typingText(conversation, typing, alike)}`);
    }
    hint.classList.toggle('is-typing', typing.length > 0);
    write(hint, typing.length ? typingText(conversation, typing, alike) : about(conversation, other, { me: this.#app.me, now }));
  }

  #close(conversation) {
    const closed = closedState(conversation, this.them?.connection, this.name);
    const user = this.#app.store.conversations.other(conversation)?.user;
    const hadFocus = drawClosed(this.#app, find('.composer', this.node), { closed, user });
    this.composer.close(closed !== null);
    if (hadFocus) this.composer.focus();
  }

  arrived(message) {
    this.#trim();
    const isLate = this.#app.now() - Date.parse(message.created_at) > LATE;
    const hasReadNothing = this.#line?.after === this.#readSeq;
    if (message.sender.id === this.#app.me.id) {
      this.#line = null;
      return;
    }
    if (!this.#app.isWatched || !this.history.isAtEnd) this.#newer += 1;
    if (message.kind !== 'text') return;
    if (isLate || hasReadNothing || !this.#app.isWatched) this.#setLine();
  }

  /** Counts and marks messages that the user can’t have seen arrive. */
  noteMissed() {
    this.#newer = this.conversation.unread_count;
    this.#setLine();
  }

  /** Limits the messages in the page, but keeps the unread ones and the place of
   * the user, who may not have seen any of them. */
  #trim() {
    const { timeline } = this;
    if (!this.history.isAtEnd || !(timeline?.messages.length > MOST + 50)) return;
    if (timeline.messages.at(-MOST).seq <= this.#readSeq + 1) timeline.trimOlder(MOST);
    else timeline.trimNewer(MOST + 50);
  }

  /** The user's own read mark. */
  get #readSeq() {
    return this.#app.store.conversations.mark(this.conversation)?.read_seq ?? 0;
  }

  /** Puts the line before the first unread message. */
  #setLine() {
    const { unread_count: count } = this.conversation;
    if (count > 0) this.#line = { after: this.#readSeq, count };
  }

  #showEnd() {
    const isAway = !this.history.isAtEnd || Boolean(this.timeline?.hasNewer);
    if (!isAway) this.#newer = 0;
    const button = find('[data-act="end"]', this.node);
    const words = this.#newer ? `${this.#newer} new` : '';
    write(find('span', button), words);
    button.setAttribute('aria-label', words ? `${words}, go to the end` : 'Go to the end');
    show(button, isAway);
  }

  async toEnd() {
    if (this.timeline.hasNewer) {
      await this.#fetch(null);
      this.render(this.#app.now());
      this.history.atEndAtOnce();
    } else this.history.toEnd();
  }

  /** Marks visible messages as read if the user sees the page. */
  look() {
    const { conversation } = this;
    if (!this.#app.isWatched || !this.#isSettled || !conversation || conversation.left) return;
    const others = this.history.visible.filter(({ sender }) => sender.id !== this.#app.me.id);
    const furthest = others.reduce((one, two) => (two.seq > (one?.seq ?? 0) ? two : one), null);
    if (!furthest || furthest.seq <= this.#readSeq) return;
    this.#app.read(conversation, furthest);
  }

  send(text, replyTo = null) {
    this.#app.send(this.id, text, quoteOf(replyTo));
    this.#line = null;
    this.render(this.#app.now(), { isUrgent: true });
    this.history.atEndAtOnce();
    if (this.timeline?.hasNewer) this.toEnd();
  }

  async #edit(message, text) {
    try {
      this.#app.store.applyMessage(await api.edit(message, text));
      this.#app.change();
    } catch (problem) {
      say(`Not changed. ${problem.detail}`);
      this.composer.edit(message, text);
    }
  }

  #lastOwn() {
    const own = (message) => message.sender.id === this.#app.me.id
      && message.kind === 'text' && !message.deleted;
    return this.timeline?.messages.findLast(own) ?? null;
  }

  async #older() {
    const { timeline } = this;
    if (!timeline?.hasOlder || this.#isFetching || !this.#isSettled) return;
    await this.#more({ before: timeline.first }, (page) => {
      timeline.prepend(page.messages, page.has_older);
      timeline.trimNewer(MOST);
    });
  }

  async #fetchNewer() {
    const { timeline } = this;
    if (!timeline?.hasNewer || this.#isFetching || !this.#isSettled) return;
    await this.#more({ after: timeline.last }, (page) => {
      timeline.append(page.messages, page.has_newer);
      timeline.trimOlder(MOST);
    });
  }

  async #more(place, take) {
    this.#isFetching = true;
    let isLost = false;
    try {
      const page = await api.history(this.id, place);
      take(page);
      this.history.holding(() => this.render(this.#app.now()));
    } catch {
      // Further scrolling tries again.
      isLost = true;
    }
    // In the next animation frame, the new rows have their places. Fetch again
    // if the user has scrolled to their end meanwhile.
    requestAnimationFrame(() => {
      this.#isFetching = false;
      if (!isLost) this.history.look();
    });
  }

  /** Scrolls to a message, which may be far back. */
  async jump(place) {
    const seq = await this.#seqOf(place);
    if (seq !== null && !this.timeline?.has(seq)) {
      await this.#fetch(seq);
      this.history.holding(() => this.render(this.#app.now()));
    }
    this.#pointTo({ ...place, seq });
  }

  close() {
    clearTimeout(this.#again);
    this.composer.end();
    this.history.close();
    const { timeline } = this;
    // When opened again, the thread begins at its end.
    if (timeline?.hasNewer) this.#app.store.timelines.delete(this.id);
    else timeline?.trimOlder(100);
  }
}

const quoteOf = (message) => message && {
  id: message.id, seq: message.seq, sender: message.sender, text: firstOf(message.text, 300),
};

function about(conversation, other, { me, now }) {
  if (conversation.kind === 'group') {
    if (conversation.left) return 'no longer a member';
    return membersText(conversation, me);
  }
  return other ? presenceText(other, now) : '';
}
