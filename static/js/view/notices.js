/** Notices of new messages and requests: the title, the badge, a sound, a
 * notification, and texts for screen readers. */
import { find } from '../lib/dom.js';
import { kept } from '../lib/kept.js';
import { firstOf } from '../lib/text.js';
import { called, isolated, titled } from '../lib/names.js';
import { chime } from '../lib/sound.js';
import { hold, isFirst, isHeld } from '../lib/tabs.js';
import { isMuted } from '../state/conversations.js';
import { SpokenMessages } from './spoken.js';
import { tellListeners } from './toast.js';

const SHORT = 120;

export class Notices {
  #app;
  #spoken;

  constructor(app) {
    this.#app = app;
    this.#spoken = new SpokenMessages(() => app.sync.isReplaying);
  }

  render(now) {
    const { store, thread } = this.#app;
    const total = store.conversations.totalUnread(now) + store.unreadElsewhere + store.requestCount;
    const name = thread?.conversation ? titled(thread.name) : 'Messages';
    showUnread(total, `${name} · Tidings`);
    hold(thread && this.#app.isWatched ? inFront(thread.id) : null);
  }

  async arrived(message) {
    const app = this.#app;
    const conversation = app.store.conversations.get(message.conversation_id);
    if (!conversation || message.sender.id === app.me.id || message.kind !== 'text') return;
    const isOpen = app.openId === conversation.id;
    const { sender } = message;
    const name = called(sender, app.store.conversations.alike(conversation, [sender]).has(sender.id));
    if (isOpen) this.#spoken.add(conversation.id, name, firstOf(message.text, SHORT));
    if (isMuted(conversation, app.now()) || (app.isWatched && isOpen)) return;
    if (await isHeld(inFront(conversation.id))) return;
    await this.#announce(message.id, () => ({
      title: app.store.conversations.name(conversation),
      body: (conversation.kind === 'group' ? `${isolated(name)}: ` : '') + firstOf(message.text, SHORT),
      tag: conversation.id,
      open: () => app.open(conversation.id),
    }));
  }

  /** Announces a connection request. */
  async requested({ id, user }) {
    const { conversations } = this.#app.store;
    const name = called(user, conversations.namesakes([user]).has(user.id));
    tellListeners(`${isolated(name)} wants to connect`);
    await this.#announce(`request-${id}`, () => ({
      title: name,
      body: 'Wants to connect',
      tag: `request-${id}`,
      open: () => this.#app.list.showRequests(),
    }));
  }

  /** Plays the sound, and shows a notification if the page isn't in front. Over
   * all tabs, each happens once for an `id`. */
  async #announce(id, notice) {
    if (kept('sound', true)) await chime(id);
    if (this.#app.isWatched || !kept('notify', false)) return;
    if (await isFirst(`notice.${id}`)) notify(notice());
  }
}

/** Names the lock of the tab in front that shows a conversation. */
const inFront = (id) => `front.${id}`;

let shown = null;

/** Shows the number of unread messages in the title and on the app's icon. */
export function showUnread(total, title) {
  const counted = total ? `(${total}) ${title}` : title;
  if (document.title !== counted) document.title = counted;
  if (shown === total) return;
  shown = total;
  if (total) navigator.setAppBadge?.(total).catch(() => {});
  else navigator.clearAppBadge?.().catch(() => {});
}

/** Shows a notification, which replaces the last one with the same tag. */
function notify({ title, body, tag, open }) {
  if (!('Notification' in window) || Notification.permission !== 'granted') return;
  try {
    const icon = find('link[rel="apple-touch-icon"]').href;
    const notice = new Notification(title, { body, tag: `tidings-${tag}`, icon });
    notice.addEventListener('click', () => {
      window.focus();
      notice.close();
      open();
    });
  } catch {
    // Some phones allow notifications from service workers only.
  }
}
