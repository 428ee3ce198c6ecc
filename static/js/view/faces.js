/** Users in lists: avatar, name and buttons. */
import { hue, initials } from '../lib/names.js';
import { element, find, show, write } from '../lib/dom.js';

export const avatar = (name) =>
  element('span', { class: `avatar hue-${hue(name)}`, 'aria-hidden': 'true' }, initials(name));

export const face = (name, isOnline = false) =>
  element('span', { class: `face${isOnline ? ' is-online' : ''}` }, avatar(name),
    isOnline && element('span', { class: 'unseen' }, 'Online'));

/** Marks an avatar as online or offline, or not at all if the status is null. */
export function setPresence(node, isOnline) {
  node.classList.toggle('is-online', isOnline === true);
  node.classList.toggle('is-offline', isOnline === false);
  let name = find('.presence', node);
  if (!name) {
    name = element('span', { class: 'unseen presence' });
    node.append(name);
  }
  write(name, isOnline ? 'Online' : 'Offline');
  show(name, isOnline !== null);
}

export const button = (text, act, { isQuiet = true, label = null } = {}) =>
  element('button', {
    type: 'button', class: isQuiet ? 'button is-quiet' : 'button', 'aria-label': label, onclick: act,
  }, text);

/** One user, with elements `beside` the name. */
export function person(user, { hint = `@${user.username}`, isOnline = false, href = null } = {}, ...beside) {
  const name = element('strong', { dir: 'auto' }, user.display_name);
  return element('div', { class: 'person' },
    face(user.display_name, isOnline),
    element('p', {}, href ? element('a', { class: 'name', href }, name) : name, ' ',
      element('span', { class: 'hint' }, hint)),
    beside.some(Boolean) && element('div', { class: 'choices' }, ...beside));
}
