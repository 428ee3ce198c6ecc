/** The info of the open conversation: the other user or the group, the user's
 * own settings, and what can be done. */
import * as api from '../net/api.js';
import { element, find, mark, show, write } from '../lib/dom.js';
import { called, isolated } from '../lib/names.js';
import { full, presenceText } from '../lib/time.js';
import { isMuted, membersText } from '../state/conversations.js';
import { attempt, archive, muteEntries, pin } from '../view/actions.js';
import { confirmed } from '../view/dialog.js';
import { face, setPresence } from '../view/faces.js';
import { openMenu } from '../view/menu.js';
import { endsOf, stepsOf } from '../view/relations.js';
import { setAvatar } from '../view/row.js';
import { heirOf } from './heir.js';
import { Members } from './members.js';
import { Title } from './title.js';

/** The icons of the actions on a connection. */
const ICONS = {
  'Remove contact': 'mark-leave', Block: 'mark-block', Decline: 'mark-close', 'Cancel request': 'mark-close',
};

/** Fills a panel with the info of a thread's conversation. */
export async function showInfo(app, panel, thread) {
  return new Info(app, panel, thread);
}

class Info {
  #app;
  #panel;
  #thread;
  #face = face('');
  #title;
  #hint = element('p', { class: 'hint' });
  #about = element('p', { class: 'about-them', dir: 'auto' });
  #created = element('p', { class: 'hint' });
  #own = element('div', { class: 'info-part' });
  #ends = element('div', { class: 'info-part' });
  #members = null;

  constructor(app, panel, thread) {
    this.#app = app;
    this.#panel = panel;
    this.#thread = thread;
    const isGroup = this.#conversation.kind === 'group';
    this.#title = new Title(app, thread.id);
    if (isGroup) this.#members = new Members(app, thread.id, panel.body);
    panel.body.replaceChildren(
      element('div', { class: 'portrait is-centred' }, this.#face, this.#title.node, this.#hint),
      this.#about, this.#created, this.#own, this.#members?.node ?? '', this.#ends);
    this.#face.classList.toggle('is-group', isGroup);
    this.render(app.now());
    if (isGroup) this.#showCreator();
  }

  get #conversation() {
    return this.#app.store.conversations.get(this.#thread.id);
  }

  render(now) {
    const conversation = this.#conversation;
    if (!conversation) return;
    const { conversations } = this.#app.store;
    const other = conversations.other(conversation);
    setAvatar(find('.avatar', this.#face), conversations.title(conversation));
    setPresence(this.#face, other?.is_online ?? null);
    this.#title.render(conversation);
    write(this.#hint, other ? [`@${other.user.username}`, presenceText(other, now)].filter(Boolean).join(' · ')
      : conversation.left ? 'no longer a member' : membersText(conversation, this.#app.me));
    const about = this.#thread.them?.about ?? '';
    write(this.#about, about);
    show(this.#about, about !== '');
    this.#drawOwn(conversation, now);
    this.#drawEnds(conversation, other?.user);
    this.#members?.render(conversation, now);
  }

  /** A frame may change who is a member, or a member's name. */
  receive(frame) {
    this.#members?.receive(frame);
  }

  /** Draws the user's own settings of the conversation. */
  #drawOwn(conversation, now) {
    const until = isMuted(conversation, now) ? untilText(conversation) : '';
    const { pinned, archived } = conversation;
    drawOnce(this.#own, [until, pinned, archived], () => [
      row('mark-bell', 'Mute', ({ currentTarget: at }) =>
        openMenu(muteEntries(this.#app, this.#conversation), at, { label: 'Mute' }),
      { value: until, 'aria-haspopup': 'menu' }),
      row('mark-pin', pinned ? 'Unpin' : 'Pin', () => pin(this.#app, this.#conversation)),
      row('mark-archive', archived ? 'Unarchive' : 'Archive',
        () => archive(this.#app, this.#conversation)),
    ]);
  }

  /** Draws the actions on the connection or the membership. */
  #drawEnds(conversation, user) {
    const state = this.#thread.them?.connection;
    drawOnce(this.#ends, [state, conversation.left, user?.username], () => {
      if (!user) return conversation.left ? [] : [row('mark-leave', 'Leave group', () => this.#leave(), { isGrave: true })];
      if (!state) return [];
      return [...stepsOf(this.#app, user, state), ...endsOf(this.#app, user, state)]
        .map(({ text, act, isGrave }) => row(ICONS[text] ?? 'mark-add', text, act, { isGrave }));
    });
    show(this.#ends, this.#ends.childElementCount > 0);
  }

  async #leave() {
    const heir = await heirOf(this.#app, this.#conversation);
    const then = heir ? ` ${isolated(called(heir, this.#thread.alike.has(heir.id)))} becomes the owner.` : '';
    if (!await confirmed(`Leave this group?${then} You can still read earlier messages.`, 'Leave')) return;
    await attempt(this.#app, async () => {
      const left = await api.leave(this.#thread.id);
      this.#app.apply({ type: 'conversation', conversation: { ...left, left_by: 'left' } });
    });
  }

  /** Says who created the group. Users who joined later don't see that message. */
  async #showCreator() {
    show(this.#created, false);
    const { messages: [first] } = await api.history(this.#thread.id, { after: 0, limit: 1 }).catch(() => ({ messages: [] }));
    if (first?.event?.type !== 'created') return;
    write(this.#created, `Created by ${isolated(first.sender.display_name)} · ${full(first.created_at)}`);
    show(this.#created, true);
  }
}

/** Draws the rows of a part again only if something changed, and keeps the focus
 * on the row at the same place. */
function drawOnce(part, looks, rows) {
  const key = JSON.stringify(looks);
  if (part.dataset.looks === key) return;
  part.dataset.looks = key;
  const at = [...part.children].indexOf(document.activeElement);
  part.replaceChildren(...rows());
  if (at >= 0) [...part.children].at(Math.min(at, part.childElementCount - 1))?.focus();
}

/** Returns a row that acts: an icon, a text, and a value at the end. */
function row(symbol, text, act, { value = '', isGrave = false, ...attributes } = {}) {
  return element('button', {
    type: 'button', class: isGrave ? 'info-row is-grave' : 'info-row', onclick: act, ...attributes,
  }, mark(symbol), element('span', {}, text), element('span', { class: 'hint' }, value));
}

/** A mute that ends in another century doesn't end. */
const untilText = ({ muted_until: until }) => (until.startsWith('9999') ? 'Always' : `Until ${full(until)}`);
