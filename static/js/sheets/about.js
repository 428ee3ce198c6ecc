/** A group's sheet: its members, and the actions on them. */
import * as api from '../net/api.js';
import { element, reconcile, write } from '../lib/dom.js';
import { alike, both, called } from '../lib/names.js';
import { counted, lastSeen } from '../lib/time.js';
import { attempt } from '../view/actions.js';
import { confirmed, openDialog } from '../view/dialog.js';
import { button, person } from '../view/faces.js';
import { closeLayers } from '../view/layers.js';
import { openMenu } from '../view/menu.js';
import { choosePeople } from './people.js';
import { say } from '../view/toast.js';

const RANK = { owner: 0, admin: 1, member: 2 };

export function openAbout(app, conversation) {
  if (conversation.kind === 'direct') {
    const other = app.store.conversations.other(conversation);
    if (other) closeLayers().then(() => location.assign(profileOf(other.user, conversation.id)));
    return;
  }
  new Group(app, conversation.id).open();
}

/** Returns the URL of a user's profile page, which links back here. */
const profileOf = ({ username }, id) => `/profile/${encodeURIComponent(username)}?from=${id}`;

class Group {
  #app;
  #id;
  #body = element('div');
  #heading = element('h3', { class: 'heading' });
  #people = element('div', { class: 'members' });
  #rights = null;
  #reading = 0;
  /** Ids of the members. */
  #members = new Set();
  #dialog = null;

  constructor(app, id) {
    this.#app = app;
    this.#id = id;
  }

  get #conversation() {
    return this.#app.store.conversations.get(this.#id);
  }

  get #myRole() {
    return this.#app.store.conversations.mark(this.#conversation)?.role ?? 'member';
  }

  open() {
    this.#dialog = openDialog(this.#conversation.title, this.#body);
    this.#drawForms();
    this.#drawMembers();
    this.#app.onRenamed = () => this.#body.isConnected && this.#drawMembers();
  }

  /** Draws all but the members; forms only if the user's rights changed. */
  #drawForms() {
    const conversation = this.#conversation;
    this.#dialog.ariaLabel = conversation.title;
    write(this.#dialog.querySelector('h2'), conversation.title);
    const mayManage = !conversation.left && this.#myRole !== 'member';
    const rights = `${mayManage} ${conversation.left}`;
    write(this.#heading, counted(conversation.participant_count, 'member'));
    if (rights === this.#rights) return;
    this.#rights = rights;
    this.#body.replaceChildren(
      mayManage ? this.#renameForm(conversation) : '',
      this.#heading,
      mayManage ? button('Add members', () => this.#invite()) : '',
      this.#people,
      conversation.left ? '' : element('p', { class: 'choices' },
        element('button', { type: 'button', class: 'button is-grave', onclick: () => this.#leave() }, 'Leave group')),
    );
  }

  #renameForm(conversation) {
    const field = element('input', { id: 'title', value: conversation.title, maxlength: 100, required: true });
    const form = element('form', { class: 'inline' },
      element('div', { class: 'field' }, element('label', { for: 'title' }, 'Group name'), field),
      element('button', { type: 'submit' }, 'Rename'));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      await this.#do(() => api.rename(this.#id, field.value.trim()));
    });
    return form;
  }

  /** Fetches the members and draws those that changed. Of several requests only
   * the last one counts, and none moves a focus that is elsewhere. */
  async #drawMembers() {
    this.#reading += 1;
    const reading = this.#reading;
    this.#people.setAttribute('aria-busy', 'true');
    let all = [];
    let problem = null;
    try {
      all = await api.members(this.#id);
    } catch (caught) {
      problem = caught;
    }
    if (reading !== this.#reading) return;
    this.#people.removeAttribute('aria-busy');
    if (problem) {
      this.#people.replaceChildren(element('p', { class: 'wrong' }, problem.detail));
      return;
    }
    this.#members = new Set(all.map(({ user }) => user.id));
    all.sort((one, two) => RANK[one.role] - RANK[two.role]
      || one.user.display_name.localeCompare(two.user.display_name));
    const namesakes = alike([this.#app.me, ...all.map(({ user }) => user)]);
    const focused = this.#people.contains(document.activeElement) ? document.activeElement.ariaLabel : null;
    reconcile(this.#people, all, {
      // A row with a changed text or menu is made anew.
      key: (member) => JSON.stringify([member, namesakes.has(member.user.id), this.#myRole]),
      make: (member) => this.#member(member, namesakes.has(member.user.id)),
      update: () => {},
    });
    if (focused && !this.#people.contains(document.activeElement)) {
      this.#people.querySelector(`[aria-label=${CSS.escape(focused)}]`)?.focus();
    }
  }

  #member({ user, role }, isAlike) {
    const known = this.#conversation.participants.find((one) => one.user.id === user.id);
    const isMe = user.id === this.#app.me.id;
    const at = `@${user.username}`;
    const status = known?.is_online ? 'online'
      : known?.last_seen && lastSeen(known.last_seen, this.#app.now());
    const hint = [(isAlike || !(isMe || status)) && at, isMe ? 'you' : status, role !== 'member' && role]
      .filter(Boolean).join(' · ');
    const name = called(user, isAlike);
    const acts = isMe ? [] : this.#acts(user, role);
    const about = { hint, isOnline: known?.is_online === true, href: profileOf(user, this.#id) };
    return person(user, about, acts.length > 0
      && button('⋯', ({ currentTarget }) => openMenu(acts, currentTarget, { label: name }),
        { label: `Options for ${name}` }));
  }

  #acts(user, role) {
    const mine = this.#myRole;
    const set = (to) => () => this.#do(() => api.role(this.#id, user.username, to));
    const isOwner = mine === 'owner';
    const mayRemove = isOwner || (mine === 'admin' && role === 'member');
    return [
      isOwner && role === 'member' && { text: 'Make admin', act: set('admin') },
      isOwner && role === 'admin' && { text: 'Make member', act: set('member') },
      isOwner && {
        text: 'Make owner', isGrave: true,
        act: async () => {
          if (await confirmed(`Make ${both(user)} the owner?`, 'Make owner')) await set('owner')();
        },
      },
      mayRemove && {
        text: 'Remove from group', isGrave: true,
        act: async () => {
          if (!await confirmed(`Remove ${both(user)}?`, 'Remove')) return;
          await this.#do(() => api.remove(this.#id, user.username));
        },
      },
    ].filter(Boolean);
  }

  async #invite() {
    const [user] = await choosePeople(this.#app, { title: 'Add members', isOne: true, without: this.#members });
    if (!user) return;
    const answered = await this.#do(() => api.invite(this.#id, user.username));
    // A user who has left the group is invited, and must accept.
    if (answered?.state === 'invited') say(`Invited. ${called(user, true)} left this group and must accept the invitation.`);
  }

  async #leave() {
    if (!await confirmed('Leave this group? You can still read earlier messages.', 'Leave')) return;
    if (await attempt(this.#app, () => api.leave(this.#id))) this.#dialog.close();
  }

  async #do(act) {
    const answered = await attempt(this.#app, act);
    if (!answered) return null;
    try {
      this.#app.apply({ type: 'conversation', conversation: await api.conversation(this.#id) });
    } catch {
      // The socket brings the change, too.
    }
    this.#drawForms();
    await this.#drawMembers();
    return answered;
  }
}
