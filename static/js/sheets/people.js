/** Choosing users among the connections, and starting conversations. */
import * as api from '../net/api.js';
import { element, find, reconcile, show, write } from '../lib/dom.js';
import { fits } from '../lib/text.js';
import { attempt } from '../view/actions.js';
import { openDialog } from '../view/dialog.js';
import { button, face, person } from '../view/faces.js';
import { connectButton } from '../view/seek.js';
import { say } from '../view/toast.js';

const PAUSE = 200;

/** Opens the sheet for a new direct conversation or group. */
export function openNew(app) {
  const list = element('div', { class: 'people-list' });
  const field = seekField('Search people by name');
  const dialog = openDialog('New chat', field,
    button('New group', () => {
      dialog.close();
      newGroup(app);
    }), list);
  watch(field, list, app, (user, connection) => {
    const choice = connectButton(app, user, connection);
    choice.addEventListener('click', () => connection?.state === 'connected' && dialog.close());
    return person(user, {}, choice);
  });
}

async function newGroup(app) {
  const people = await choosePeople(app, { title: 'New group', isNamed: true });
  if (!people.length) return;
  const { isIdle } = app.choose();
  const made = await attempt(app, () =>
    api.createGroup(people.title, people.map(({ username }) => username)));
  if (!made) return;
  app.apply({ type: 'conversation', conversation: made });
  if (isIdle()) app.open(made.id);
}

/**
 * @param {{ title: string, isOne?: boolean, isNamed?: boolean, without?: Set<number> }} how
 *   `without` has the ids of users who can't be chosen
 * @returns {Promise<any[] & { title?: string }>} the users; none if cancelled
 */
export function choosePeople(app, { title, isOne = false, isNamed = false, without = new Set() }) {
  return new Promise((resolve) => {
    const chosen = new Map();
    let answer = [];
    const list = element('div', { class: 'people-list' });
    const field = seekField('Search contacts');
    const name = element('input', { id: 'group-title', maxlength: 100, autocomplete: 'off', autofocus: true });
    const named = element('div', { class: 'field' },
      element('label', { for: 'group-title' }, 'Group name'), name);
    const done = () => {
      if (!name.value.trim()) {
        name.focus();
        return 'Enter a group name.';
      }
      if (!chosen.size) return 'Add at least one person.';
      answer = Object.assign([...chosen.values()], { title: name.value.trim() });
      dialog.close();
      return '';
    };
    const dialog = openDialog(title, ...(isOne ? [field, list]
      : [choosing([isNamed ? named : '', field, list], done)]));
    dialog.addEventListener('close', () => resolve(answer));
    const choose = (user, isChosen) => {
      if (isChosen) chosen.set(user.id, user);
      else chosen.delete(user.id);
      if (isOne) {
        answer = [user];
        dialog.close();
      }
    };
    watch(field, list, app, (user, connection) => (connection?.state === 'connected' && !without.has(user.id)
      ? option(user, chosen.has(user.id), isOne, (is) => choose(user, is)) : null));
  });
}

/**
 * Returns a form whose button stays in sight below a long list. Enter submits
 * it, except from the search field.
 * @param {(Node | string)[]} content
 * @param {() => string} done returns what is missing yet, or ''
 */
function choosing(content, done) {
  const wrong = element('p', { class: 'wrong', role: 'alert' });
  const form = element('form', { class: 'choosing' }, ...content,
    element('div', { class: 'sheet-end' }, wrong,
      element('button', { type: 'submit' }, 'Create group')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    write(wrong, done());
  });
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target.type === 'search') event.preventDefault();
  });
  return form;
}

function option(user, isChosen, isOne, choose) {
  if (isOne) return person(user, {}, button('Add', () => choose(true), { label: `Add ${user.display_name}` }));
  const box = element('input', { type: 'checkbox', checked: isChosen, onchange: () => choose(box.checked) });
  return element('label', { class: 'person is-choice' }, face(user.display_name),
    element('p', {}, element('strong', { dir: 'auto' }, user.display_name), ' ',
      element('span', { class: 'hint' }, `@${user.username}`)), box);
}

function seekField(label) {
  return element('div', { class: 'field' }, element('input', {
    type: 'search', 'aria-label': label, placeholder: label, autocomplete: 'off', spellcheck: 'false', autofocus: true,
  }));
}

/** Lists matching connections; from two letters on, other users, too. */
async function watch(field, list, app, shown) {
  const input = find('input', field);
  let connections = app.store.connections;
  let timer = 0;
  // Keep rows while others come and go: the user may be about to click one.
  const rows = new Map();
  const rowOf = (user) => {
    const connection = connections.find((one) => one.user.id === user.id);
    const key = `${user.id} ${connection?.state}`;
    if (!rows.has(key)) rows.set(key, shown(user, connection));
    return { key, node: rows.get(key) };
  };
  const why = () => {
    if (input.value) return 'No results.';
    return known().length ? 'All your contacts are members.'
      : 'No contacts yet. Search for people and connect with them.';
  };
  const nothing = () => {
    const text = why();
    return { key: text, node: element('p', { class: 'hint' }, text) };
  };
  const fill = (users) => {
    const found = users.map(rowOf).filter(({ node }) => node);
    reconcile(list, found.length ? found : [nothing()],
      { key: ({ key }) => key, make: ({ node }) => node, update: (_, { node }) => node });
  };
  const known = () => {
    const users = connections.filter(({ state }) => state === 'connected').map(({ user }) => user);
    return users.filter(({ username, display_name: name }) =>
      fits(input.value, `${username} ${name}`));
  };
  const ask = async () => {
    const sought = input.value.trim().replace(/^@/u, '');
    try {
      const found = await api.people(sought);
      if (input.value.trim().replace(/^@/u, '') !== sought) return;
      const first = known();
      const others = found.filter(({ id }) => id !== app.me.id && !first.some((one) => one.id === id));
      fill([...first, ...others]);
    } catch (problem) {
      say(problem.detail);
    }
  };
  input.addEventListener('input', () => {
    clearTimeout(timer);
    fill(known());
    if (input.value.trim().length >= 2) timer = setTimeout(ask, PAUSE);
  });
  fill(known());
  try {
    connections = await api.connections();
    if (!input.value) fill(known());
  } catch {
    show(list, true);
  }
}
