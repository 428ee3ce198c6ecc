/** The list of conversations, with pending requests above it. */
import * as api from '../net/api.js';
import { element, find, reconcile, show, write } from '../lib/dom.js';
import { sliding } from '../lib/motion.js';
import { isolated } from '../lib/names.js';
import { moment } from '../state/conversations.js';
import { button, person } from './faces.js';
import { helloOf, makeRow, rowOf, updateRow } from './row.js';
import { say } from './toast.js';

const WELCOME = 'No contacts yet. Search for people you know and connect with them. When they accept, you can message each other.';

export class List {
  #app;
  #rows;
  #people;
  #archive;
  #empty;
  #showsArchive = false;
  #older;
  #isFetching = false;
  #order = null;

  constructor(app) {
    this.#app = app;
    this.#rows = find('.list .rows');
    this.#rows.replaceChildren();
    const scroll = find('.side-scroll');
    find('.people', scroll)?.remove();
    this.#people = element('section', { class: 'people', 'aria-label': 'People', hidden: true });
    find('.list', scroll).before(this.#people);
    this.#archive = find('.archive', scroll);
    this.#archive.addEventListener('click', () => this.#toggleArchive());
    this.#empty = element('p', { class: 'beginning', hidden: true });
    find('.list .beginning')?.remove();
    this.#rows.after(this.#empty);
    this.#older = this.#nextPage();
    scroll.addEventListener('scroll', () => {
      if (scroll.scrollTop + scroll.clientHeight > scroll.scrollHeight - 400) this.#more();
    }, { passive: true });
    this.#rows.addEventListener('keydown', (event) => walkRows(event));
  }

  /** Returns the API path of the list's next page, from the rendered link. */
  #nextPage() {
    const link = [...document.querySelectorAll('.list .more a')]
      .find((known) => new URL(known.href).searchParams.has('list'));
    document.querySelectorAll('.list .more').forEach((more) => more.remove());
    if (!link) return null;
    const before = new URL(link.href).searchParams.get('list');
    return `/api/conversations/?before=${encodeURIComponent(before)}`;
  }

  async #more() {
    if (!this.#older || this.#isFetching) return;
    this.#isFetching = true;
    try {
      const { body, links } = await api.page(this.#older);
      for (const conversation of body) {
        if (this.#app.store.conversations.get(conversation.id)) continue;
        this.#app.store.conversations.put(conversation);
        this.#app.store.cursors.set(conversation.id, conversation.version);
      }
      this.#older = links.prev ?? null;
      this.#app.change();
    } catch {
      // Further scrolling tries again.
    }
    this.#isFetching = false;
  }

  render(now) {
    const { store, openId, outbox } = this.#app;
    const { conversations } = store;
    // A conversation with an unsent message is sorted by it.
    const waiting = new Map(outbox.items.map((item) => [item.conversation_id, item]));
    const at = (known) => Math.max(moment(known), waiting.get(known.id)?.created_at ?? 0);
    const archived = conversations.ordered({ archived: true, at });
    if (!archived.length && !this.#older) this.#showsArchive = false;
    const shown = this.#showsArchive ? archived : conversations.ordered({ at });
    const contacts = this.#newContacts();
    const namesakes = conversations.namesakes(contacts.map(({ user }) => user));
    const known = shown.map((conversation) => rowOf(conversation, {
      conversations,
      namesakes,
      me: store.me,
      now,
      typists: store.typists.at(conversation.id, now),
      isOpen: conversation.id === openId,
      waiting: waiting.get(conversation.id),
    }));
    const hellos = contacts.map((connection) => helloOf(connection, now, namesakes));
    const rows = this.#showsArchive ? known : withHellos(known, hellos);
    this.#sliding(rows, () => reconcile(this.#rows, rows,
      { key: (row) => String(row.id), make: makeRow, update: updateRow }));
    this.#empties(rows);
    const hasMore = store.hasArchived && this.#older !== null;
    show(this.#archive, this.#showsArchive || archived.length > 0 || hasMore);
    write(this.#archive, this.#showsArchive ? 'All chats' : 'Archived');
    this.#renderPeople();
  }

  /** Returns the contacts without a conversation. */
  #newContacts() {
    const { connections, conversations } = this.#app.store;
    return connections.filter(({ state, user }) =>
      state === 'connected' && !conversations.directWith(user.username));
  }

  /** Animates rows that change places. */
  #sliding(rows, change) {
    const order = rows.map(({ id }) => id).join(' ');
    const isSame = this.#order === null || this.#order.view !== this.#showsArchive
      || this.#order.text === order;
    this.#order = { view: this.#showsArchive, text: order };
    if (isSame) change();
    else sliding(this.#rows, change);
  }

  /** Shows hints for an empty list; a wide screen has the welcome beside it. */
  #empties(rows) {
    const { connections, conversations, invitations } = this.#app.store;
    const isNew = !this.#showsArchive && !rows.length && !conversations.size && !invitations.length
      && !connections.some(({ state }) => state === 'incoming');
    this.#empty.classList.toggle('is-welcome', isNew);
    const rest = conversations.size ? 'All chats are archived.'
      : 'When you accept, you can message each other.';
    write(this.#empty, this.#showsArchive ? 'No archived chats.' : isNew ? WELCOME : rest);
    show(this.#empty, !rows.length);
    write(find('main.is-blank > p'), isNew ? WELCOME
      : 'Choose a chat, or start a new one.');
  }

  /** Fetches the list to its end, since any conversation may be archived. */
  async #toggleArchive() {
    this.#showsArchive = !this.#showsArchive;
    this.#app.change();
    while (this.#showsArchive && this.#older) {
      const before = this.#older;
      await this.#more();
      if (this.#older === before) break;
    }
  }

  #renderPeople() {
    const { connections, conversations, invitations } = this.#app.store;
    const asking = connections.filter(({ state }) => state === 'incoming');
    const asked = connections.filter(({ state }) => state === 'requested');
    const shown = [...asking, ...asked];
    const looks = JSON.stringify([invitations, shown]);
    if (this.#people.dataset.looks === looks) return;
    this.#people.dataset.looks = looks;
    const rows = [...invitations.map((known) => this.#invitation(known)),
      ...shown.map((known) => this.#connection(known))];
    show(this.#people, rows.length > 0);
    if (rows.length < 2) {
      this.#people.replaceChildren(...rows);
      return;
    }
    const wasOpen = find('details', this.#people)?.open ?? conversations.size === 0;
    this.#people.replaceChildren(element('details', { open: wasOpen },
      element('summary', {}, requests(invitations.length, asking.length, asked.length)), ...rows));
  }

  #invitation(invitation) {
    const { id, title, inviter } = invitation;
    const answer = async (asked) => {
      const { isIdle } = this.#app.choose();
      try {
        const group = await asked;
        this.#app.apply({ type: 'invitation', invitation: { ...invitation, state: 'none' } });
        if (!group) return;
        this.#app.apply({ type: 'conversation', conversation: group });
        if (isIdle()) this.#app.open(group.id);
      } catch (problem) {
        say(problem.detail);
      }
    };
    return person({ display_name: title }, { hint: `${isolated(inviter.display_name)} invited you to rejoin` },
      button('Accept', () => answer(api.join(id)), { isQuiet: false, label: `Accept the invitation to ${title}` }),
      button('Decline', () => answer(api.refuse(id)), { label: `Decline the invitation to ${title}` }));
  }

  #connection({ id, state, user }) {
    const name = user.display_name;
    if (state === 'incoming') {
      return person(user, { hint: `@${user.username} wants to connect` },
        button('Accept', () => this.#answer(api.accept(id)), { isQuiet: false, label: `Accept the request of ${name}` }),
        button('Decline', () => this.#answer(api.decline(id)), { label: `Decline the request of ${name}` }));
    }
    const row = person(user, { hint: 'hasn’t accepted your request yet.' });
    row.classList.add('is-waiting');
    return row;
  }

  async #answer(asked) {
    try {
      const connection = await asked;
      if (connection) this.#app.apply({ type: 'connection', connection });
    } catch (problem) {
      say(problem.detail);
    }
  }
}

/** Adds the rows of contacts without a conversation, sorted by time. */
function withHellos(rows, hellos) {
  if (!hellos.length) return rows;
  return [...rows, ...hellos]
    .sort((one, two) => Number(two.isPinned) - Number(one.isPinned) || two.at - one.at);
}

/** Returns the summary of invitations and requests. */
function requests(invited, asking, asked) {
  const groups = invited === 1 ? '1 group invitation' : invited && `${invited} group invitations`;
  const people = asking === 1 ? '1 person wants to connect'
    : asking ? `${asking} people want to connect`
      : !invited && `${asked} requests sent`;
  return [groups, people].filter(Boolean).join(' · ');
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
