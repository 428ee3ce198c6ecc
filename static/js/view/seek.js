/** The search box: finds conversations, and users to connect with. */
import * as api from '../net/api.js';
import { element, find, show } from '../lib/dom.js';
import { fits } from '../lib/text.js';
import { button, person } from './faces.js';
import { walkRows } from './list.js';
import { makeRow, rowOf, updateRow } from './row.js';
import { closeSidePanels } from './side_panel.js';
import { say } from './toast.js';

const PAUSE = 200;
const SHOWN = 20;

export class Seek {
  #app;
  #field = find('#seek');
  #found = find('.found');
  #timer = 0;
  #people = [];
  #asked = '';
  /** All connections: the store has only pending and new ones. */
  #known = [];

  constructor(app) {
    this.#app = app;
    this.#field.addEventListener('input', () => this.#changed());
    this.#field.addEventListener('keydown', (event) => this.#key(event));
    this.#found.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.clear();
      else walkRows(event);
    });
    this.#found.addEventListener('click', (event) => {
      if (event.target.closest('.row')) this.clear();
    });
  }

  focus() {
    closeSidePanels();
    this.#app.panels.closeSide();
    this.#field.focus();
    this.#field.select();
  }

  clear() {
    this.#field.value = '';
    this.#changed();
  }

  #key(event) {
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      if (this.#found.hidden) this.#app.list.focus();
      else find('.row, .person button', this.#found)?.focus();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      find('.row, .person button', this.#found)?.click();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      if (this.#field.value) this.clear();
      else this.#app.thread?.composer.focus();
    }
  }

  #changed() {
    const sought = this.#sought;
    show(this.#found, Boolean(sought));
    find('.side-scroll').classList.toggle('is-seeking', Boolean(sought));
    clearTimeout(this.#timer);
    this.#people = sought === this.#asked ? this.#people : [];
    if (sought && this.#found.childElementCount === 0) this.#fetchConnections();
    if (!sought) {
      // Hidden rows would still match selectors.
      this.#found.replaceChildren();
      return;
    }
    this.#show(sought);
    if (sought.length >= 2) this.#timer = setTimeout(() => this.#ask(sought), PAUSE);
  }

  /** Fetches the user's connections, and the rest of the list, when a search
   * begins. */
  async #fetchConnections() {
    try {
      [this.#known] = await Promise.all([api.connections(), this.#app.list.loadAll()]);
      const sought = this.#sought;
      if (sought) this.#show(sought);
    } catch {
      // The user can then ask a contact again, which changes nothing.
    }
  }

  #connectionWith(user) {
    const of = (known) => known.user.id === user.id;
    return this.#app.store.connections.find(of) ?? this.#known.find(of);
  }

  get #sought() {
    return this.#field.value.trim().replace(/^@/u, '');
  }

  async #ask(sought) {
    try {
      const people = await api.people(sought);
      if (this.#sought !== sought) return;
      this.#asked = sought;
      this.#people = people;
      this.#show(sought);
    } catch (problem) {
      if (problem.status) say(problem.detail);
    }
  }

  #show(sought) {
    const { store } = this.#app;
    const { conversations, me } = store;
    const all = [...conversations.ordered(), ...conversations.ordered({ archived: true })];
    const isFound = (conversation) => {
      const other = conversations.other(conversation)?.user.username ?? '';
      return fits(sought, `${conversations.title(conversation)} ${other}`);
    };
    const namesakes = conversations.namesakes();
    const rows = all.filter(isFound).slice(0, SHOWN).map((conversation) => updateRow(makeRow(), rowOf(conversation, {
      conversations, me, now: this.#app.now(), typists: [], isOpen: false, namesakes,
    })));
    const strangers = this.#people.filter(({ id, username }) =>
      id !== me.id && !conversations.directWith(username));
    const people = strangers.map((user) => person(user, {},
      connectButton(this.#app, user, this.#connectionWith(user))));
    const focused = this.#found.contains(document.activeElement) ? document.activeElement : null;
    this.#found.replaceChildren(
      rows.length ? element('ul', { class: 'rows' }, ...rows) : '',
      people.length ? element('h2', { class: 'heading' }, 'People') : '',
      ...people,
      !rows.length && !people.length
        ? element('p', { class: 'beginning' }, sought.length < 2
          ? 'Type at least two letters' : `No results for “${sought}”. Try the username.`)
        : '',
    );
    // Keep the focus on the same result when results change.
    if (!focused) return;
    const { href, ariaLabel: label } = focused;
    const same = [...this.#found.querySelectorAll('.row, button')]
      .find((it) => (href ? it.href === href : it.ariaLabel === label));
    (same ?? this.#field).focus();
  }
}

/** Returns the button beside a user: message, accept, or ask to connect. */
export function connectButton(app, user, connection) {
  if (connection?.state === 'connected') {
    return button('Message', () => app.openWith(user.username), { isQuiet: false, label: `Message ${user.display_name}` });
  }
  if (connection?.state === 'requested') return element('span', { class: 'hint' }, 'Requested');
  const isAsking = connection?.state === 'incoming';
  let isUnderWay = false;
  const asked = button(isAsking ? 'Accept' : 'Connect', async () => {
    // Don't disable the button: it would lose the keyboard focus.
    if (isUnderWay) return;
    isUnderWay = true;
    try {
      const changed = await (isAsking ? api.accept(connection.id) : api.connect(user.username));
      app.apply({ type: 'connection', connection: changed });
      const next = connectButton(app, user, changed);
      const hadFocus = asked === document.activeElement;
      const field = find('input[type="search"]', asked.closest('dialog, .side-panel') ?? document);
      asked.replaceWith(next);
      if (hadFocus) (next.matches('button') ? next : field).focus();
    } catch (problem) {
      isUnderWay = false;
      say(problem.detail);
    }
  }, { label: `${isAsking ? 'Accept' : 'Connect with'} ${user.display_name}` });
  return asked;
}
