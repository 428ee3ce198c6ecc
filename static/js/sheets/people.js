/** The panels that start conversations, and the choice of new members. */
import * as api from '../net/api.js';
import { element, find, mark, write } from '../lib/dom.js';
import { isolated } from '../lib/names.js';
import { openDialog } from '../view/dialog.js';
import { avatar } from '../view/faces.js';
import { copyInvite } from '../view/invite.js';
import { openSidePanel, topPanel } from '../view/side_panel.js';
import { Contacts, contactRow } from './contacts.js';

/** Opens the panel for a new direct conversation or group. */
export function openNew(app) {
  const open = topPanel();
  if (open?.matches('.is-new')) {
    find('input', open).focus();
    return;
  }
  const field = seekField('Search people by name');
  const acts = element('div', { class: 'contact-acts' },
    actRow('New group', 'mark-group', () => chooseMembers(app, () => panel.close())),
    app.store.canInvite && actRow('Invite people', 'mark-link', () => copyInvite(app)));
  const contacts = new Contacts(app, {
    field,
    acts,
    make: (user) => contactRow(user, () => app.openWith(user.username)),
    pick: (user) => app.openWith(user.username),
    hasOthers: true,
  });
  const panel = openSidePanel({ title: 'New chat', content: [field, contacts.node], opener: openerOf() });
  panel.node.classList.add('is-new');
  contacts.start(find('.side-panel-body', panel.node));
}

/** Returns the element that gets the focus back. Safari focuses no button when
 * it is clicked. */
const openerOf = () => (document.activeElement === document.body
  ? find('[data-act="new"]') : document.activeElement);

const actRow = (text, symbol, act) => element('button', { type: 'button', class: 'contact contact-act', onclick: act },
  element('span', { class: 'contact-mark' }, mark(symbol)), element('strong', {}, text));

/** The first step of a new group: its members.
 * @param {() => void} done called when the group exists */
function chooseMembers(app, done) {
  const chosen = new Map();
  const draft = { title: '' };
  const field = seekField('Search contacts');
  const chips = element('div', { class: 'chips', role: 'group', 'aria-label': 'Chosen people', hidden: true });
  const wrong = element('p', { class: 'wrong', role: 'alert' });
  const next = element('button', { type: 'button', class: 'button' }, 'Next');
  const toggle = (user) => {
    if (!chosen.delete(user.id)) chosen.set(user.id, user);
    write(wrong, '');
    fillChips(chips, chosen, toggle, field);
    contacts.redraw();
  };
  const contacts = new Contacts(app, {
    field,
    make: (user) => contactRow(user, () => toggle(user), chosen.has(user.id)),
    update: (row, user) => row.firstElementChild.setAttribute('aria-checked', String(chosen.has(user.id))),
    pick: (user) => {
      toggle(user);
      contacts.clear();
    },
  });
  const panel = openSidePanel({
    title: 'New group',
    content: [field, chips, contacts.node, element('div', { class: 'panel-end' }, wrong, next)],
  });
  next.addEventListener('click', () => {
    write(wrong, chosen.size ? '' : 'Add at least one person.');
    if (!chosen.size) find('input', field).focus();
    else nameGroup(app, { chosen, draft }, () => { panel.close(); done(); });
  });
  contacts.start(find('.side-panel-body', panel.node));
}

/** Lists the chosen people; a click removes one. */
function fillChips(chips, chosen, toggle, field) {
  const hadFocus = chips.contains(document.activeElement);
  chips.replaceChildren(...[...chosen.values()].map((user) => element('button', {
    type: 'button', class: 'chip', onclick: () => toggle(user),
  }, avatar(user.display_name), element('span', { class: 'unseen' }, 'Remove '),
  element('span', { dir: 'auto' }, user.display_name), mark('mark-close'))));
  chips.hidden = !chosen.size;
  if (hadFocus) (chips.lastElementChild ?? find('input', field)).focus();
}

/** The second step of a new group: its name. */
function nameGroup(app, { chosen, draft }, done) {
  const people = [...chosen.values()];
  const title = element('input', {
    id: 'group-title', maxlength: 100, autocomplete: 'off', autofocus: true, value: draft.title,
    oninput: () => { draft.title = title.value; },
  });
  const wrong = element('p', { class: 'wrong', role: 'alert' });
  const create = element('button', { type: 'submit' }, 'Create group');
  const form = element('form', { class: 'choosing' },
    element('div', { class: 'field' }, element('label', { for: 'group-title' }, 'Group name'), title),
    element('p', { class: 'hint' }, `With ${people.map((user) => isolated(user.display_name)).join(', ')}`),
    element('div', { class: 'panel-end' }, wrong, create));
  const panel = openSidePanel({ title: 'Name the group', content: [form] });
  let isUnderWay = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const named = title.value.trim();
    write(wrong, named ? '' : 'Enter a group name.');
    if (!named) title.focus();
    if (!named || isUnderWay) return;
    isUnderWay = true;
    const { isIdle } = app.choose();
    try {
      const made = await api.createGroup(named, people.map(({ username }) => username));
      app.apply({ type: 'conversation', conversation: made });
      if (isIdle()) app.open(made.id);
      else {
        panel.close();
        done();
      }
    } catch (problem) {
      isUnderWay = false;
      write(wrong, problem.detail);
    }
  });
}

/**
 * Asks for one contact, in a dialog.
 * @param {{ title: string, without?: Set<number> }} how `without` has the ids of
 *   users who can't be chosen
 * @returns {Promise<any[]>} the user; none if cancelled
 */
export function choosePeople(app, { title, without = new Set() }) {
  return new Promise((resolve) => {
    let answer = [];
    const choose = (user) => {
      answer = [user];
      dialog.close();
    };
    const field = seekField('Search contacts');
    const contacts = new Contacts(app, {
      field,
      make: (user) => {
        const row = contactRow(user, () => choose(user));
        row.firstElementChild.setAttribute('aria-label', `Add ${user.display_name}`);
        return row;
      },
      pick: choose,
      without,
    });
    const dialog = openDialog(title, field, contacts.node);
    dialog.addEventListener('close', () => resolve(answer));
    contacts.start(dialog);
  });
}

function seekField(label) {
  return element('search', { class: 'seek' }, element('input', {
    type: 'search', 'aria-label': label, placeholder: label, autocomplete: 'off', spellcheck: 'false', autofocus: true,
  }));
}
