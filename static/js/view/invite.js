/** The link that invites people: the user's profile, from which a visitor can
 * create an account. */
import { element } from '../lib/dom.js';
import { openDialog } from './dialog.js';
import { say } from './toast.js';

export async function copyInvite(app) {
  const link = new URL(`/profile/${encodeURIComponent(app.me.username)}`, location.href).href;
  try {
    await navigator.clipboard.writeText(link);
    say('Link copied.');
  } catch {
    // Without a secure connection, pages can't copy.
    const field = element('input', { type: 'text', readonly: true, value: link, 'aria-label': 'Invite link', autofocus: true });
    openDialog('Invite link', element('div', { class: 'field' }, field,
      element('p', { class: 'hint' }, 'Copy this link and send it to people you know.')));
    field.select();
  }
}
