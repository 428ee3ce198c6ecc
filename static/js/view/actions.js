/** The menus of messages and conversations, and their actions. */
import { keysOf } from '../lib/shortcuts.js';
import * as api from '../net/api.js';
import { find } from '../lib/dom.js';
import { isMuted } from '../state/conversations.js';
import { confirmed } from './dialog.js';
import { openDetails } from './details.js';
import { openEmoji, openQuick, quickRow } from './emoji.js';
import { openMenu } from './menu.js';
import { addressOf } from './message.js';
import { openReport } from './report.js';
import { say, tellListeners } from './toast.js';

/** A `muted_until` that never comes: in every time zone, a day of the last year
 * with four digits. */
const FOREVER = '9999-01-01T00:00:00.000Z';
const HOUR = 3_600_000;

/** Runs a REST call. If it fails, shows why and returns null. */
export async function attempt(app, act) {
  try {
    const answered = await act();
    app.change();
    return answered ?? true;
  } catch (problem) {
    say(problem.detail);
    return null;
  }
}

export async function react(app, message, emoji, isOn) {
  const changed = await attempt(app, () => api.react(message, emoji, isOn));
  if (changed?.id) {
    app.store.applyMessage(changed);
    app.change();
  }
}

/** Whether the user may answer and react in the open conversation. */
export const mayWrite = ({ conversation, node }) =>
  !conversation.left && !find('.composer.is-closed', node);

/** Returns how the user reacts to a message, from a row or the picker at `at`. */
function reacting(app, message, at) {
  const has = (emoji) => message.reactions.some((known) =>
    known.emoji === emoji && known.usernames.includes(app.me.username));
  const pick = (emoji) => react(app, message, emoji, !has(emoji));
  return { has, pick, more: () => openEmoji(at, pick) };
}

/** Opens the quick row of emoji at a button beside a message. */
export function openReact(app, node, button) {
  const at = beside(node, button);
  openQuick(at, reacting(app, node.item.message, at));
}

/** Returns the place of a menu that a button beside a message opens: away from
 * the message. */
export function beside(node, button) {
  if (node.item.isMine) return button;
  const { left, top, bottom } = button.getBoundingClientRect();
  return { x: left, y: bottom + 4, above: top - 4 };
}

/**
 * @param {{ x: number, y: number } | HTMLElement} at
 * @param {{ isTouch?: boolean, whenClosed?: () => void }} [how]
 */
export function openMessageMenu(app, node, at, { isTouch = false, whenClosed } = {}) {
  const { message, isMine } = node.item;
  const { conversation, composer } = app.thread;
  const canWrite = mayWrite(app.thread) && !message.deleted;
  const mayManage = !conversation.left && isAdmin(app, conversation);
  const mayDelete = !message.deleted && (isMine || mayManage);
  const entries = [
    canWrite && { text: 'Reply', act: () => composer.answer(message) },
    canWrite && isMine && { text: 'Edit', act: () => composer.edit(message) },
    !message.deleted && { text: 'Copy', act: () => copy(message.text) },
    isTouch && !message.deleted && { text: 'Select text', act: () => selectText(node) },
    { text: 'Copy link', act: () => copy(new URL(addressOf(message), location.href).href) },
    !isMine && !message.deleted && { text: 'Report', act: () => openReport(message) },
    isMine && !message.deleted && { text: 'Details', act: () => openDetails(app, message) },
    mayDelete && { text: 'Delete for everyone', isGrave: true, act: () => deleteMessage(app, message) },
  ].filter(Boolean);
  if (!entries.length) return;
  let close = () => {};
  const { has, pick, more } = reacting(app, message, at);
  const head = canWrite ? quickRow({
    has,
    pick: (emoji) => { close(); pick(emoji); },
    more: () => { close(); more(); },
  }) : null;
  close = openMenu(entries, at, { label: 'Message', head, whenClosed });
}

/** Selects the text of a message on a touch screen, where a long press opens the
 * menu instead. */
function selectText(node) {
  const said = find('.said', node);
  node.classList.add('is-selectable');
  getSelection().selectAllChildren(said);
  const end = () => {
    if (!getSelection().isCollapsed) return;
    node.classList.remove('is-selectable');
    document.removeEventListener('selectionchange', end);
  };
  document.addEventListener('selectionchange', end);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say('Copied.');
  } catch {
    say('This browser doesn’t let pages copy.');
  }
}

async function deleteMessage(app, message) {
  if (!await confirmed('Delete this message for everyone?', 'Delete for everyone')) return;
  const done = await attempt(app, () => api.deleteMessage(message));
  if (!done) return;
  app.store.applyMessage({ ...message, deleted: true, text: '', reactions: [], reply_to: null });
  app.change();
}

const isAdmin = (app, conversation) => conversation.kind === 'group'
  && ['owner', 'admin'].includes(app.store.conversations.mark(conversation)?.role);

/** Returns the entries that mute a conversation, or end that. */
export function muteEntries(app, conversation) {
  const entry = (length, text) => ({
    text, act: () => mute(app, conversation, length), keys: length && length !== 'always' ? null : keysOf('mute'),
  });
  if (isMuted(conversation, app.now())) return [entry(null, 'Unmute')];
  return Object.keys(LENGTHS).map((length) => entry(length, `Mute ${length}`));
}

/** Opens the menu of a row, or that of the open conversation on a phone, whose
 * header leads to the info by itself. */
export function openConversationMenu(app, conversation, at) {
  const { pinned, archived } = conversation;
  openMenu([
    !(at instanceof Element) && { text: 'Chat info', act: () => app.about(conversation) },
    { text: pinned ? 'Unpin' : 'Pin', act: () => pin(app, conversation), keys: keysOf('pin') },
    ...muteEntries(app, conversation),
    { text: archived ? 'Unarchive' : 'Archive', act: () => archive(app, conversation), keys: keysOf('archive') },
  ].filter(Boolean), at, { label: 'Chat' });
}

/** The hours for which a chat can be muted. */
const LENGTHS = { 'for 8 hours': 8, 'for a week': 7 * 24, always: null };

/** Mutes a chat for one of `LENGTHS`, or unmutes it if that is null. */
export function mute(app, conversation, length) {
  const hours = LENGTHS[length];
  const time = hours ? new Date(app.now() + hours * HOUR).toISOString() : FOREVER;
  changeSettings(app, conversation, {
    change: { muted_until: length ? time : null }, done: length ? `Muted ${length}` : 'Unmuted',
  });
}

/** Pins a chat to the top of the list, or unpins it. */
export const pin = (app, conversation) => changeSettings(app, conversation, {
  change: { pinned: !conversation.pinned }, done: conversation.pinned ? 'Unpinned' : 'Pinned',
});

/** Moves a chat into the archive, or out of it. */
export const archive = (app, conversation) => changeSettings(app, conversation, {
  change: { archived: !conversation.archived }, done: conversation.archived ? 'Unarchived' : 'Archived',
});

/** Changes the user's own settings of a conversation, and offers to undo it.
 * @param {{ change: Record<string, any>, done: string }} what `done` says what has changed */
export async function changeSettings(app, { id, ...was }, { change, done }) {
  const apply = async (next) => {
    const conversation = await attempt(app, () => api.settings(id, next));
    if (conversation) app.apply({ type: 'conversation', conversation });
    return conversation;
  };
  const before = Object.fromEntries(Object.keys(change).map((name) => [name, was[name]]));
  if (!await apply(change)) return;
  say(done, { undo: async () => await apply(before) && tellListeners('Undone') });
}
