/** The bar in the composer's place if the user can't write: the reason, and the
 * action that changes it. */
import { element, find } from '../lib/dom.js';
import { isolated } from '../lib/names.js';
import { button } from './faces.js';
import { stepsOf } from './relations.js';

const READABLE = 'You can still read earlier messages.';

/**
 * Returns why the user can't write; null if they can.
 * @returns {{ reason: string, relation?: string } | null}
 */
export function closedState(conversation, relation, name) {
  if (conversation.left) return { reason: `${leftBy(conversation)} ${READABLE}` };
  const them = isolated(name);
  const reason = {
    none: `You’re no longer connected with ${them}. ${READABLE}`,
    requested: `${them} hasn’t accepted your request yet. You can message them when they do.`,
    incoming: `${them} wants to connect. Accept the request to message them.`,
    blocked: `You blocked ${them}. To message them, unblock them and connect again.`,
  }[relation];
  return reason ? { reason, relation } : null;
}

/** Says how the user's membership ended. Only a frame or the user's own action
 * has that. */
function leftBy({ left_by: how }) {
  return {
    left: 'You left this group.',
    removed: 'You were removed from this group.',
  }[how] ?? 'You are no longer in this group.';
}

/** Draws the reason and its actions at the beginning of `footer`. Returns whether
 * the focus was in a part that is gone. */
export function drawClosed(app, footer, { closed, user }) {
  const looks = JSON.stringify([closed, user?.id]);
  if (footer.dataset.closed === looks) return false;
  footer.dataset.closed = looks;
  const former = find('.closed', footer);
  const hadFocus = former?.contains(document.activeElement) ?? false;
  former?.remove();
  if (!closed) return hadFocus;
  const steps = user ? stepsOf(app, user, closed.relation) : [];
  const made = element('div', { class: 'closed' }, element('p', {}, closed.reason),
    steps.length > 0 && element('div', { class: 'choices' },
      ...steps.map(({ text, act, isQuiet = false }) => button(text, act, { isQuiet }))));
  footer.prepend(made);
  if (hadFocus) find('button', made)?.focus();
  return hadFocus && !steps.length;
}
