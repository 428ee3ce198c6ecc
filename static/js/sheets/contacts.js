/** The contacts that match a search, from A to Z, and below them other users. */
import * as api from '../net/api.js';
import { element, find, show, write } from '../lib/dom.js';
import { fits } from '../lib/text.js';
import { avatar, person } from '../view/faces.js';
import { RowWindow } from '../view/row_window.js';
import { connectButton } from '../view/seek.js';
import { say } from '../view/toast.js';

/** Milliseconds between the last key and the search for other users. */
const PAUSE = 200;
/** The number of letters from which on other users are searched. */
const LETTERS = 2;

const collator = new Intl.Collator('en', { sensitivity: 'base', numeric: true });

/** Returns a row that is one button. With `isChecked`, it is a check box. */
export function contactRow(user, act, isChecked = null) {
  const isChoice = isChecked !== null;
  return element('li', {}, element('button', {
    type: 'button', class: isChoice ? 'contact is-choice' : 'contact', onclick: act,
    role: isChoice ? 'checkbox' : null, 'aria-checked': isChoice ? String(isChecked) : null,
  }, avatar(user.display_name), element('span', { class: 'contact-name' },
    element('strong', { dir: 'auto' }, user.display_name), ' ',
    element('span', { class: 'hint' }, `@${user.username}`)),
  isChoice && element('span', { class: 'check', 'aria-hidden': 'true' })));
}

export class Contacts {
  #app;
  #how;
  #input;
  /** @type {RowWindow<any>} */
  #window;
  #connections;
  #list = element('ul', { class: 'rows contacts', 'aria-label': 'Contacts' });
  #title = element('h3', { class: 'heading', hidden: true }, 'Other people');
  #others = element('div', { class: 'others' });
  #empty = element('p', { class: 'beginning', role: 'status' });
  #shown = [];
  #timer = 0;
  #isLoaded = false;
  /** Why the contacts couldn't be loaded. */
  #problem = '';

  /**
   * @param {{ field: HTMLElement, acts?: HTMLElement | null, make: (user: any) => HTMLElement,
   *   update?: (row: HTMLElement, user: any) => void, pick: (user: any) => void,
   *   without?: Set<number>, hasOthers?: boolean }} how
   *   `acts` is shown above the contacts while nothing is searched; `pick` is
   *   called if Enter chooses the first result
   */
  constructor(app, { acts = null, update = () => {}, without = new Set(), hasOthers = false, ...how }) {
    this.#app = app;
    this.#how = { acts, update, without, hasOthers, ...how };
    this.#input = find('input', how.field);
    this.#connections = app.store.connections;
    this.node = element('div', { class: 'contact-list' }, acts, this.#empty, this.#list, this.#title, this.#others);
    this.#input.addEventListener('input', () => this.#changed());
    this.#input.addEventListener('keydown', (event) => this.#key(event));
    this.node.addEventListener('keydown', (event) => this.#walk(event));
  }

  /** Begins once the list is in the page. */
  async start(scroller) {
    this.#window = new RowWindow(this.#list, scroller, {
      key: ({ id }) => String(id),
      make: this.#how.make,
      update: this.#how.update,
      passed: (step) => this.#step(document.activeElement, step),
    });
    this.redraw();
    try {
      this.#connections = await api.connections();
      this.#isLoaded = true;
    } catch (problem) {
      this.#problem = problem.detail;
      say(problem.detail);
    }
    this.redraw();
  }

  clear() {
    this.#input.value = '';
    this.#changed();
    this.#input.focus();
  }

  redraw() {
    const sought = this.#sought;
    show(this.#how.acts, !sought);
    this.#shown = this.#known(sought);
    this.#window.show(this.#shown);
    const isEmpty = !this.#shown.length && !this.#others.childElementCount;
    write(this.#empty, isEmpty ? this.#reason(sought) : '');
    show(this.#empty, isEmpty);
    show(this.#title, this.#others.childElementCount > 0);
  }

  get #sought() {
    return this.#input.value.trim().replace(/^@/u, '');
  }

  #known(sought) {
    const { without } = this.#how;
    const users = this.#connections.filter(({ state }) => state === 'connected').map(({ user }) => user)
      .filter(({ id, username, display_name: name }) => !without.has(id) && fits(sought, `${username} ${name}`));
    return users.sort((one, two) => collator.compare(one.display_name, two.display_name)
      || collator.compare(one.username, two.username));
  }

  #reason(sought) {
    if (sought) {
      const isShort = this.#how.hasOthers && sought.length < LETTERS;
      return isShort ? 'Type at least two letters' : `No results for “${sought}”. Try the username.`;
    }
    if (!this.#isLoaded) return this.#problem || 'Loading…';
    const hasContacts = this.#connections.some(({ state }) => state === 'connected');
    if (hasContacts) return 'All your contacts are members.';
    return this.#how.hasOthers ? 'No contacts yet. Search for people you know and connect with them.'
      : 'No contacts yet. Connect with people first.';
  }

  #changed() {
    clearTimeout(this.#timer);
    const sought = this.#sought;
    const isSearching = this.#how.hasOthers && sought.length >= LETTERS;
    if (!isSearching) this.#others.replaceChildren();
    this.redraw();
    if (isSearching) this.#timer = setTimeout(() => this.#search(sought), PAUSE);
  }

  /** Finds users beyond the contacts. */
  async #search(sought) {
    try {
      const found = await api.people(sought);
      if (this.#sought !== sought) return;
      const first = new Set(this.#shown.map(({ id }) => id));
      const others = found.filter(({ id }) => id !== this.#app.me.id && !first.has(id));
      this.#others.replaceChildren(...others.map((user) => this.#other(user)));
      this.redraw();
    } catch (problem) {
      say(problem.detail);
    }
  }

  #other(user) {
    const connection = this.#app.store.connections.find((one) => one.user.id === user.id)
      ?? this.#connections.find((one) => one.user.id === user.id);
    return person(user, {}, connectButton(this.#app, user, connection));
  }

  #key(event) {
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      this.#step(this.#input, 1);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (!this.#sought) return;
      if (this.#shown.length) this.#how.pick(this.#shown[0]);
      else find('button', this.#others)?.click();
    }
  }

  /** Arrow keys go over all buttons; the list of contacts handles its own. */
  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.defaultPrevented || this.#list.contains(event.target)) return;
    event.preventDefault();
    this.#step(event.target, step);
  }

  #step(from, step) {
    const acts = this.#how.acts && !this.#how.acts.hidden ? [...this.#how.acts.children] : [];
    const rows = this.#shown.length ? [this.#list] : [];
    const stops = [this.#input, ...acts, ...rows, ...this.#others.querySelectorAll('button')];
    const next = stops[stops.findIndex((stop) => stop.contains(from)) + step];
    if (next === this.#list) this.#window.focus(step > 0 ? 0 : this.#shown.length - 1);
    else next?.focus();
  }
}
