/** One conversation of the list, cloned from the page's template. */
import { called, hue, initials, isolated } from '../lib/names.js';
import { find, piece, show, write } from '../lib/dom.js';
import { firstOf } from '../lib/text.js';
import { full, listed } from '../lib/time.js';
import { isMuted, moment } from '../state/conversations.js';
import { setPresence } from './faces.js';
import { setTicks } from './message.js';

const PREVIEW = 140;

export function rowOf(conversation, { conversations, me, now, typists, isOpen, waiting = null, namesakes, draft = '' }) {
  const last = waiting ? asMessage(waiting, me) : conversation.last_message;
  const title = conversations.title(conversation);
  const isGroup = conversation.kind === 'group';
  const typing = typists.length > 0;
  const isSpoken = last?.kind === 'text';
  const isMine = last?.sender.id === me.id;
  const isDraft = draft !== '' && !typing;
  const alike = isGroup ? conversations.alike(conversation, last ? [last.sender] : []) : new Set();
  return {
    id: conversation.id,
    href: `/messages?conversation=${conversation.id}`,
    title,
    name: conversations.name(conversation, namesakes),
    isGroup,
    isOpen,
    isOnline: conversations.other(conversation)?.is_online ?? null,
    at: waiting?.created_at ?? moment(conversation),
    time: listed(waiting?.created_at ?? moment(conversation), now),
    lead: isDraft ? 'Draft: ' : !typing && isSpoken ? lead(last, { isMine, isGroup, alike }) : '',
    preview: isDraft ? firstOf(draft, PREVIEW)
      : typing ? typingText(conversation, typists, alike) : preview(last, title),
    isTyping: typing,
    isDraft,
    isAside: !typing && !isDraft && (!isSpoken || last.deleted),
    ticks: typing || isDraft ? null : waiting?.state ?? conversations.ticks(conversation),
    unread: conversation.unread_count,
    isMuted: isMuted(conversation, now),
    isPinned: conversation.pinned,
  };
}

/** Returns the row of a contact without a conversation. */
export function helloOf({ user, created_at: met }, { now, namesakes, draft = '' }) {
  return {
    id: `hello ${user.username}`,
    href: `/messages/chat/${encodeURIComponent(user.username)}/`,
    title: user.display_name,
    name: called(user, namesakes.has(user.id)),
    isGroup: false,
    isOpen: false,
    isOnline: null,
    at: Date.parse(met),
    time: listed(met, now),
    lead: draft ? 'Draft: ' : '',
    preview: draft ? firstOf(draft, PREVIEW) : `Say hello to ${isolated(user.display_name)}`,
    isTyping: false,
    isDraft: draft !== '',
    isAside: draft === '',
    ticks: null,
    unread: 0,
    isMuted: false,
    isPinned: false,
  };
}

/** An unsent message is shown as the last one. */
const asMessage = ({ text }, me) => ({ kind: 'text', text, sender: me, deleted: false });

function lead({ sender }, { isMine, isGroup, alike }) {
  // In a direct conversation, the ticks say whose message it is.
  if (isMine) return isGroup ? 'You: ' : '';
  return isGroup ? `${firstName(sender, alike)}: ` : '';
}

const firstName = (user, alike) =>
  called({ ...user, display_name: user.display_name.split(/\s+/u)[0] }, alike.has(user.id));

function preview(last, name) {
  if (!last) return `Say hello to ${isolated(name)}`;
  return last.deleted ? 'Message deleted' : firstOf(last.text, PREVIEW);
}

/** Returns the text of the typing indicator, with names in a group. */
export function typingText(conversation, people, alike) {
  if (conversation.kind === 'direct') return 'typing…';
  const names = people.map(({ id, username }) => {
    const person = conversation.participants.find(({ user }) => user.id === id);
    return isolated(person ? firstName(person.user, alike) : username);
  });
  if (names.length > 2) return `${names.length} people are typing…`;
  return `${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} typing…`;
}

export const makeRow = () => piece('row');

export function updateRow(node, row) {
  const looks = JSON.stringify(row);
  if (node.looks === looks) return node;
  node.looks = looks;
  const link = find('.row', node);
  link.href = row.href;
  link.dataset.id = row.id;
  link.toggleAttribute('aria-current', row.isOpen);
  if (row.isOpen) link.setAttribute('aria-current', 'page');
  const face = find('.face', node);
  face.classList.toggle('is-group', row.isGroup);
  setPresence(face, row.isOnline);
  setAvatar(find('.avatar', face), row.title);
  write(find('.row-name', node), row.name);
  setRowTime(find('.row-time', node), row);
  setPreview(find('.row-preview', node), row);
  const badge = find('.badge', node);
  badge.classList.toggle('is-quiet', row.isMuted);
  badge.firstChild.data = row.unread > 999 ? '999+' : String(row.unread);
  badge.lastChild.textContent = row.unread === 1 ? ' unread message' : ' unread messages';
  show(badge, row.unread > 0);
  show(find('.is-muted', node), row.isMuted);
  show(find('.is-pinned', node), row.isPinned);
  return node;
}

function setRowTime(time, row) {
  time.dateTime = new Date(row.at).toISOString();
  time.title = full(row.at);
  write(time, row.time);
}

function setPreview(line, row) {
  line.classList.toggle('is-aside', row.isAside);
  line.classList.toggle('is-typing', row.isTyping);
  line.classList.toggle('is-draft', row.isDraft);
  write(find('.lead', line), row.lead);
  const said = find('.said', line);
  write(said, row.preview);
  // The page's own texts are English, so left to right.
  said.dir = row.isAside || row.isTyping ? 'ltr' : 'auto';
  const ticks = find('.ticks', line);
  show(ticks, Boolean(row.ticks));
  if (row.ticks) setTicks(ticks, row.ticks);
}

export function setAvatar(node, name) {
  node.className = node.className.replace(/hue-\d+/u, `hue-${hue(name)}`);
  write(node, initials(name));
}
