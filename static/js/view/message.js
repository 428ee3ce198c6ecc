/** One message, cloned from the page's template. */
import { called, hue, initials } from '../lib/names.js';
import { element, find, piece, show, write } from '../lib/dom.js';
import { isLarge } from '../lib/emoji.js';
import { folded } from '../lib/links.js';
import { moved } from '../lib/motion.js';
import { clock, counted, full } from '../lib/time.js';

const TICKS = {
  sent: ['Sent', 'one-tick'],
  delivered: ['Delivered', 'two-ticks'],
  read: ['Read', 'two-ticks'],
  waiting: ['Waiting to be sent', 'clock'],
  sending: ['Waiting to be sent', 'clock'],
  failed: ['Not sent', 'not-sent'],
};

/** Returns a key of all that an item's markup shows, except its status. */
export function looks(item, { alike }) {
  const { message } = item;
  const of = message ? `${message.id}.${message.version}` : item.key;
  const answered = (message ?? item.item)?.reply_to?.sender;
  const names = [message?.sender, answered].map((user) => user && [user.username, user.display_name]);
  const reacted = message?.reactions?.map(({ usernames }) => usernames);
  return [item.kind, of, item.isFirst, item.isNamed, item.count,
    alike.has(message?.sender.id), alike.has(answered?.id), JSON.stringify([names, reacted])].join(' ');
}

export function makeItem(item, context) {
  if (item.kind === 'unread') return unreadLine(item, context);
  const node = item.kind === 'system' ? makeSystem(item.message) : makeBubble(item, context);
  node.item = item;
  node.looks = looks(item, context);
  return node;
}

/** Patches the node if only the item's status differs, else makes a new one. */
export function updateItem(node, item, context) {
  if (node.looks === looks(item, context)) {
    node.item = item;
    if (item.status) setTicks(find('.about .ticks', node), item.status);
    if (item.kind === 'waiting') setFailure(node, item.item);
    return node;
  }
  const next = makeItem(item, context);
  // Keep the node of the ticks, so that their change is animated.
  const [was, is] = [find('.about .ticks', node), find('.about .ticks', next)];
  if (was && is && item.status) {
    setTicks(was, item.status);
    is.replaceWith(was);
  }
  keepUse(node, next);
  return next;
}

/** Hands on to a new node what the user does with the old one: the buttons at
 * the mouse, a lift by a finger, and the keyboard's focus. */
function keepUse(node, next) {
  const acts = find('.acts', node);
  if (acts && next.item.message && !next.item.message.deleted) find('.bubble', next).append(acts);
  next.classList.toggle('is-lifted', node.classList.contains('is-lifted'));
  next.style.translate = node.style.translate;
  const focused = find(':focus-visible', node);
  const same = focused?.dataset.emoji && `[data-emoji="${CSS.escape(focused.dataset.emoji)}"]`;
  if (node === document.activeElement) queueMicrotask(() => next.focus({ preventScroll: true }));
  else if (focused) queueMicrotask(() => ((same && find(same, next)) ?? next).focus({ preventScroll: true }));
}

function unreadLine({ count }, context) {
  const line = element('li', { class: 'unread-line', id: 'unread' }, element('span'));
  write(line.firstChild, counted(count, 'unread message'));
  line.looks = looks({ kind: 'unread', key: 'unread', count }, context);
  return line;
}

function makeSystem(message) {
  const node = piece('messages', 1);
  node.id = `message-${message.id}`;
  write(find('span', node), message.text);
  setTime(find('time', node), message.created_at);
  return node;
}

function makeBubble(item, context) {
  const node = piece('messages', 0);
  const message = item.message ?? waiting(item.item, context);
  node.id = item.message ? `message-${message.id}` : `waiting-${item.key}`;
  node.tabIndex = -1;
  const isMine = item.message ? item.isMine : true;
  node.classList.toggle('is-mine', isMine);
  node.classList.toggle('is-first', item.isFirst);
  setSender(node, message, { isMine, isNamed: item.isNamed, context });
  setQuote(node, message, context);
  setText(node, message);
  setAbout(node, message, item.status);
  setReactions(node, message, context);
  if (!item.message) setFailure(node, item.item);
  reach(node, false);
  return node;
}

/** Lets Tab reach the links and buttons of a message, or none of them: the
 * history is one stop for the keyboard. */
export function reach(node, isReached) {
  for (const control of node.querySelectorAll('a, button:not(.acts button)')) {
    control.tabIndex = isReached ? 0 : -1;
  }
}

/** Returns an unsent message in the form of a sent one. */
const waiting = (item, { me }) => ({
  sender: me,
  reply_to: item.reply_to,
  text: item.text,
  created_at: new Date(item.created_at).toISOString(),
  reactions: [],
  edited_at: null,
  deleted: false,
});

function setSender(node, message, { isMine, isNamed, context }) {
  const sender = find('.bubble > .sender', node);
  const face = find('.avatar', node);
  if (isNamed) {
    const { display_name: name } = message.sender;
    tint(sender, name);
    tint(face, name);
    write(face, initials(name));
    writeName(sender, message.sender, context);
  } else {
    sender.remove();
    face.remove();
  }
  if (!isMine) find('.bubble > .unseen', node).remove();
}

/** Writes a name, with the username if another name here looks like it. */
function writeName(node, user, { alike }) {
  node.replaceChildren(element('bdi', {}, user.display_name),
    ...(alike.has(user.id) ? [' ', element('span', { class: 'at' }, `@${user.username}`)] : []));
}

function tint(node, name) {
  node.className = node.className.replace(/hue-\d+/u, `hue-${hue(name)}`);
}

function setQuote(node, message, context) {
  const quote = find('.quote', node);
  const answered = message.deleted ? null : message.reply_to;
  if (!answered) {
    quote.remove();
    return;
  }
  tint(quote, answered.sender.display_name);
  quote.href = addressOf({ ...answered, conversation_id: message.conversation_id ?? '' });
  quote.dataset.seq = answered.seq;
  quote.dataset.id = answered.id;
  const sender = find('.sender', quote);
  if (answered.sender.id === context.me.id) write(sender, 'You');
  else writeName(sender, answered.sender, context);
  write(find('.quoted', quote), answered.text || 'Message deleted');
}

/** Ids of the nodes of long messages that the user has unfolded. */
const unfolded = new Set();

function setText(node, message) {
  const text = find('.text', node);
  const said = find('.said', text);
  text.classList.toggle('is-deleted', message.deleted);
  if (message.deleted) {
    said.replaceChildren('Message deleted');
    return;
  }
  said.classList.toggle('is-large', isLarge(message.text));
  const { head, tail } = folded(message.text);
  said.replaceChildren(...linked(head));
  if (!tail.length) return;
  const id = `rest-${node.id}`;
  said.append(element('span', { class: 'rest', id }, ...linked(tail)));
  said.after(' ', element('button', {
    type: 'button', class: 'link', 'data-act': 'unfold', 'aria-controls': id,
  }));
  unfold(node, unfolded.has(node.id));
}

/** Renders text and links. Those of pages open a tab without access to this one. */
const linked = (parts) => parts.map(({ text, href }) => (href
  ? element('a', {
    href, rel: 'noopener nofollow', target: !href.startsWith('mailto:') && '_blank', dir: 'ltr',
  }, text)
  : text));

/** Shows a long message as a whole, or only its beginning. */
export function unfold(node, isWhole) {
  if (isWhole) unfolded.add(node.id);
  else unfolded.delete(node.id);
  find('.text', node).classList.toggle('is-unfolded', isWhole);
  const button = find('[data-act="unfold"]', node);
  button.setAttribute('aria-expanded', String(isWhole));
  write(button, isWhole ? 'Show less' : 'Show more');
}

function setAbout(node, message, status) {
  const about = find('.about', node);
  if (!message.edited_at || message.deleted) find('span', about).remove();
  setTime(find('time', about), message.created_at);
  const when = find('.when', about);
  if (message.seq) when.href = addressOf(message);
  else when.replaceWith(...when.childNodes);
  const ticks = find('.ticks', about);
  if (status) setTicks(ticks, status);
  else ticks.remove();
}

/** Returns the URL of a message. */
export const addressOf = ({ conversation_id: id, seq, id: message }) =>
  `/messages?conversation=${id}&around=${seq}#message-${message}`;

export function setTime(node, at) {
  node.dateTime = at;
  node.title = full(at);
  write(node, clock(at));
}

export function setTicks(svg, status) {
  if (!svg || svg.dataset.status === status) return;
  const [name, symbol] = TICKS[status];
  if (svg.dataset.status && svg.isConnected) moved(svg, { transform: 'rotateX(90deg)' });
  svg.dataset.status = status;
  svg.classList.toggle('are-blue', status === 'read');
  svg.classList.toggle('is-failed', status === 'failed');
  svg.setAttribute('aria-label', name);
  write(find('title', svg), name);
  find('use', svg).setAttribute('href', `#${symbol}`);
}

function setFailure(node, item) {
  const known = find('.failure', node);
  const isFailed = item.state === 'failed';
  const kind = isFailed ? 'failed' : item.isUnsaved ? 'unsaved' : undefined;
  node.classList.toggle('is-failed', isFailed);
  if (known?.dataset.kind === kind) return;
  known?.remove();
  if (!kind) return;
  const said = !isFailed ? ['Not saved on this device. Keep this tab open until it is sent.'] : [
    `Not sent. ${item.why ?? ''} `,
    element('button', { type: 'button', class: 'link', 'data-act': 'retry' }, 'Retry'), ' ',
    element('button', { type: 'button', class: 'link', 'data-act': 'discard' }, 'Discard')];
  node.append(element('p', { class: 'failure', role: 'alert', 'data-kind': kind }, ...said));
}

/** Returns a user's display name, or the username if they aren't loaded. */
function nameOf(username, { conversation, me, alike }) {
  if (username === me.username) return 'You';
  const person = conversation.participants.find(({ user }) => user.username === username);
  return person ? called(person.user, alike.has(person.user.id)) : username;
}

function setReactions(node, message, context) {
  const { me } = context;
  const list = find('.reactions', node);
  if (message.deleted || !message.reactions.length) {
    list.remove();
    return;
  }
  list.replaceChildren(...message.reactions.map((reaction) => {
    const isMine = reaction.usernames.includes(me.username);
    const more = reaction.count - reaction.usernames.length;
    const names = reaction.usernames.map((username) => nameOf(username, context)).join(', ')
      + (more > 0 ? ` and ${more} more` : '');
    const button = element('button', {
      type: 'button', 'data-act': 'reaction', 'data-emoji': reaction.emoji, 'aria-pressed': String(isMine),
    }, reaction.emoji, reaction.count > 1 && ` ${reaction.count}`,
    element('span', { class: 'names' }, ` ${names}`));
    return element('li', {}, button);
  }));
  show(list, true);
}
