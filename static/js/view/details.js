/** A message's receipts: when each user got and read it. */
import * as api from '../net/api.js';
import { element } from '../lib/dom.js';
import { alike } from '../lib/names.js';
import { full } from '../lib/time.js';
import { openDialog } from './dialog.js';
import { person } from './faces.js';

export async function openDetails(app, message) {
  const body = element('div', { 'aria-busy': 'true' }, element('p', { class: 'hint' }, 'Loading…'));
  openDialog('Details', element('p', { class: 'hint' },
    `Sent ${full(message.created_at)}${message.edited_at ? ` · edited ${full(message.edited_at)}` : ''}`), body);
  try {
    const receipts = await api.receipts(message);
    const others = receipts.filter(({ user }) => user.id !== app.me.id);
    const namesakes = alike([app.me, ...others.map(({ user }) => user)]);
    const part = shown(namesakes);
    const of = (test) => others.filter(test);
    body.replaceChildren(
      ...part('Read', of(({ read }) => read), ({ read_at: at }) => at),
      ...part('Delivered', of(({ read, delivered }) => delivered && !read), ({ delivered_at: at }) => at),
      ...part('Not yet delivered', of(({ delivered }) => !delivered), () => null),
    );
    if (!others.length) body.replaceChildren(element('p', { class: 'hint' }, 'There were no other members.'));
  } catch (problem) {
    body.replaceChildren(element('p', { class: 'wrong', role: 'alert' }, problem.detail));
  }
  body.removeAttribute('aria-busy');
}

/** Renders a section of receipts, with the usernames of `namesakes`. */
const shown = (namesakes) => (title, receipts, at) => {
  if (!receipts.length) return [];
  const hint = ({ user, ...receipt }) => [namesakes.has(user.id) && `@${user.username}`,
    at(receipt) && full(at(receipt))].filter(Boolean).join(' · ');
  return [
    element('h3', { class: 'heading' }, title),
    ...receipts.map((receipt) => person(receipt.user, { hint: hint(receipt) })),
  ];
};
