/** The list of conversations, below pending requests. */
import * as api from '../net/api.js';
import { find, show, write } from '../lib/dom.js';
import { kept, whenKept } from '../lib/kept.js';
import { moment } from '../state/conversations.js';
import { copyInvite } from './invite.js';
import { Requests } from './requests.js';
import { helloOf, makeRow, rowOf, updateRow } from './row.js';
import { RowWindow } from './row_window.js';

/** The distance from the end at which more is fetched, in pixels. */
const NEAR = 400;
/** Milliseconds after which the ages in all rows are written anew. */
const AGES = 10_000;

export class List {
  #app;
  #window;
  #requests;
  #archive;
  #empty;
  #showsArchive = false;
  #older;
  /** Settles once the page of the list that is being fetched is there. */
  #fetching = null;
  /** Unread messages of archived conversations that aren't loaded. */
  #unloaded = 0;
  /** The texts of drafts, by their names. */
  #drafts = new Map();
  #openId = null;
  /** Whether the last frame showed the archive; null before the first one. */
  #view = null;
  /** What the rows of this frame are drawn from. */
  #context = {};

  constructor(app) {
    this.#app = app;
    const scroll = find('.side-scroll');
    const rows = find('.list .rows');
    rows.replaceChildren();
    this.#requests = new Requests(app, scroll);
    this.#archive = find('.archive', scroll);
    this.#archive.addEventListener('click', () => this.#toggleArchive());
    this.#empty = find('.list .empty');
    document.addEventListener('click', ({ target }) => {
      if (target.closest('[data-act="invite"]')) copyInvite(app);
    });
    this.#unloaded = app.store.archivedUnread - app.store.conversations.archived().unread;
    this.#older = nextPage();
    this.#window = new RowWindow(rows, scroll, {
      key: ({ key }) => key,
      make: (item) => this.#update(makeRow(), item),
      update: (node, item) => this.#update(node, item),
      passed: (step) => step < 0 && find('#seek').focus(),
    });
    scroll.addEventListener('scroll', () => {
      if (scroll.scrollTop + scroll.clientHeight > scroll.scrollHeight - NEAR) this.#more();
    }, { passive: true });
    whenKept('draft.', (name) => {
      this.#drafts.delete(name);
      app.change();
    });
  }

  /** Focuses the first row. */
  focus() {
    this.#window.focus(0);
  }

  /** Shows the requests above the list, on a phone instead of the conversation. */
  showRequests() {
    if (matchMedia('(max-width: 699.98px)').matches) this.#app.close();
    find('.side-scroll').scrollTop = 0;
    this.#requests.focus();
  }

  /** Fetches the list to its end: any conversation may be archived or sought. */
  async loadAll() {
    while (this.#older) {
      const before = this.#older;
      await this.#more();
      if (this.#older === before) break;
    }
  }

  #more() {
    this.#fetching ??= this.#fetch();
    return this.#fetching;
  }

  async #fetch() {
    if (!this.#older) return;
    const { store } = this.#app;
    try {
      const { body, links } = await api.page(this.#older);
      for (const conversation of body) {
        if (conversation.archived) this.#unloaded -= conversation.unread_count;
        store.load(conversation, this.#app.now());
      }
      this.#older = links.prev ?? null;
      this.#app.change();
    } catch {
      // Further scrolling tries again.
    } finally {
      this.#fetching = null;
    }
  }

  render(now) {
    const { store, openId, outbox } = this.#app;
    const { conversations } = store;
    // A conversation with an unsent message is sorted by it.
    const waiting = new Map(outbox.items.map((item) => [item.conversation_id, item]));
    const at = (known) => Math.max(moment(known), waiting.get(known.id)?.created_at ?? 0);
    const archived = conversations.archived();
    if (!archived.count && !this.#older) this.#showsArchive = false;
    const contacts = this.#newContacts();
    if (openId !== this.#openId) this.#opened(openId);
    this.#context = {
      conversations,
      me: store.me,
      now,
      waiting,
      typists: store.typists,
      namesakes: conversations.namesakes(contacts.map(({ user }) => user)),
    };
    const known = conversations.ordered({ archived: this.#showsArchive, at })
      .map((conversation) => ({ key: String(conversation.id), conversation, isPinned: conversation.pinned, at }));
    const items = this.#showsArchive ? known : withHellos(known, contacts);
    this.#requests.render();
    this.#renderArchive(archived);
    this.#empties(items);
    this.#window.show(items, { isSliding: this.#isSameView(), isWhole: !this.#older });
  }

  /** Updates a row if anything that it shows may have changed. */
  #update(node, item) {
    const inputs = this.#inputs(item);
    if (node.inputs?.every((input, at) => input === inputs[at])) return node;
    node.inputs = inputs;
    return updateRow(node, this.#rowOf(item));
  }

  /** Returns what the content of an item's row depends on. */
  #inputs({ conversation, connection }) {
    const { now, namesakes, typists, waiting, me, conversations } = this.#context;
    const common = [Math.floor(now / AGES), namesakes, conversations.names];
    if (connection) return [...common, connection, this.#draft(`${me.id}.chat.${connection.user.username}`)];
    const { id } = conversation;
    const last = waiting.get(id);
    return [...common, conversation, conversation.last_message, conversation.unread_count, conversation.muted_until,
      conversation.pinned, conversation.all_delivered_seq, conversation.all_read_seq,
      conversations.other(conversation)?.is_online, id === this.#openId, last, last?.state,
      typists.at(id, now).map((typist) => typist.id).join(), id === this.#openId ? '' : this.#draft(`${me.id}.${id}`)];
  }

  /** Returns the content of an item's row. */
  #rowOf({ conversation, connection }) {
    const { now, namesakes, typists, waiting, me, conversations } = this.#context;
    if (connection) {
      const draft = this.#draft(`${me.id}.chat.${connection.user.username}`);
      return helloOf(connection, { now, namesakes, draft });
    }
    const { id } = conversation;
    return rowOf(conversation, {
      conversations,
      namesakes,
      me,
      now,
      typists: typists.at(id, now),
      isOpen: id === this.#openId,
      waiting: waiting.get(id),
      draft: id === this.#openId ? '' : this.#draft(`${me.id}.${id}`),
    });
  }

  /** Returns the text of a draft. Only the open conversation's draft changes in
   * this tab. */
  #draft(name) {
    let text = this.#drafts.get(name);
    if (text === undefined) {
      text = kept(`draft.${name}`)?.text?.trim() ?? '';
      this.#drafts.set(name, text);
    }
    return text;
  }

  /** Notes that another conversation is open. */
  #opened(openId) {
    this.#drafts.delete(`${this.#app.me.id}.${this.#openId}`);
    this.#openId = openId;
    if (openId !== null) this.#window.stopAt(String(openId));
  }

  /** Returns the contacts without a conversation. */
  #newContacts() {
    const { connections, conversations } = this.#app.store;
    return connections.filter(({ state, user }) =>
      state === 'connected' && !conversations.directWith(user.username));
  }

  /** Returns whether the list shows the same part as before. */
  #isSameView() {
    const isSame = this.#view === this.#showsArchive;
    this.#view = this.#showsArchive;
    return isSame;
  }

  /** Shows the row that leads to the archive, or back from it. */
  #renderArchive({ count, unread }) {
    const hasMore = this.#app.store.hasArchived && this.#older !== null;
    show(this.#archive, this.#showsArchive || count > 0 || hasMore);
    this.#archive.classList.toggle('is-back', this.#showsArchive);
    write(find('.archive-name', this.#archive), this.#showsArchive ? 'All chats' : 'Archived');
    find('.archive-mark use', this.#archive).setAttribute('href', this.#showsArchive ? '#mark-back' : '#mark-archive');
    const total = this.#showsArchive ? 0 : unread + (this.#older ? Math.max(0, this.#unloaded) : 0);
    const badge = find('.badge', this.#archive);
    write(badge.firstElementChild, total > 999 ? '999+' : String(total));
    show(badge, total > 0);
    find('.list').setAttribute('aria-label', this.#showsArchive ? 'Archived chats' : 'Chats');
  }

  /** Shows hints for an empty list; a wide screen has the welcome beside it. */
  #empties(items) {
    const { connections, conversations, invitations } = this.#app.store;
    const isNew = !this.#showsArchive && !items.length && !conversations.size && !invitations.length
      && !connections.some(({ state }) => state === 'incoming');
    const rest = conversations.size ? 'All chats are archived. Open the archive above, or start a new chat.'
      : 'When you accept, you can message each other.';
    write(this.#empty, this.#showsArchive ? 'No archived chats. Archive a chat from its menu.' : rest);
    show(this.#empty, !items.length && !isNew);
    for (const welcome of document.querySelectorAll('.welcome')) show(welcome, isNew);
    show(find('main.is-blank > .blank-hint'), !isNew);
  }

  #toggleArchive() {
    this.#showsArchive = !this.#showsArchive;
    find('.side-scroll').scrollTop = 0;
    this.#app.change();
    if (this.#showsArchive) this.loadAll();
  }
}

/** Returns the API path of the list's next page, from the rendered link. */
function nextPage() {
  const link = [...document.querySelectorAll('.list .more a')]
    .find((known) => new URL(known.href).searchParams.has('list'));
  document.querySelectorAll('.list .more').forEach((more) => more.remove());
  if (!link) return null;
  const before = new URL(link.href).searchParams.get('list');
  return `/api/conversations/?limit=100&before=${encodeURIComponent(before)}`;
}

/** Adds the rows of contacts without a conversation, sorted by time. */
function withHellos(items, contacts) {
  if (!contacts.length) return items;
  const timed = items.map((item) => ({ ...item, time: item.at(item.conversation) }));
  const hellos = contacts.map((connection) => ({
    key: `hello ${connection.user.username}`, connection, isPinned: false, time: Date.parse(connection.created_at),
  }));
  return [...timed, ...hellos]
    .sort((one, two) => Number(two.isPinned) - Number(one.isPinned) || two.time - one.time);
}

/** Arrows go from row to row. */
export function walkRows(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const rows = [...event.currentTarget.querySelectorAll('.row, .person button')];
  const next = rows[rows.indexOf(document.activeElement) + step];
  event.preventDefault();
  if (next) next.focus();
  else if (step < 0) find('#seek')?.focus();
}
