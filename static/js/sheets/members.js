/** The members of a group, and the actions on them. Of a large group, only the
 * rows in view are drawn. */
import * as api from '../net/api.js';
import { element, find, mark, reconcile, show, write } from '../lib/dom.js';
import { alike, both, called } from '../lib/names.js';
import { fits } from '../lib/text.js';
import { counted, lastSeen } from '../lib/time.js';
import { rowsInView } from '../lib/window.js';
import { attempt } from '../view/actions.js';
import { confirmed } from '../view/dialog.js';
import { button, face } from '../view/faces.js';
import { openMenu } from '../view/menu.js';
import { say } from '../view/toast.js';
import { choosePeople } from './people.js';

/** The number of members from which on there is a search. */
const SEARCH_FROM = 21;
/** The height of a row until one is measured. */
const HEIGHT = 56;
const RANK = { owner: 0, admin: 1, member: 2 };
const ORDER = new Intl.Collator();

export class Members {
  node = element('section', { class: 'info-part', 'aria-label': 'Members' });
  #app;
  #id;
  #scroller;
  #heading = element('h3', { class: 'heading' });
  #add = button('Add members', () => this.#invite());
  #search = element('input', {
    type: 'search', 'aria-label': 'Search members', placeholder: 'Search members', autocomplete: 'off', spellcheck: 'false',
  });
  #list = element('div', { class: 'members', role: 'list' });
  #none = element('p', { class: 'hint', role: 'status' });
  /** All members, or those that are loaded; null before. */
  #all = null;
  #source = null;
  #namesakes = new Set();
  #shown = [];
  #height = HEIGHT;
  #requests = 0;

  /** @param {HTMLElement} scroller the element that scrolls the list */
  constructor(app, id, scroller) {
    this.#app = app;
    this.#id = id;
    this.#scroller = scroller;
    this.node.append(element('div', { class: 'members-head' }, this.#heading, this.#add),
      element('div', { class: 'field' }, this.#search), this.#list, this.#none);
    this.#search.addEventListener('input', () => this.#filter());
    this.#search.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.#search.value) return;
      event.preventDefault();
      this.#search.value = '';
      this.#filter();
    });
    let isDue = false;
    const later = () => {
      if (isDue) return;
      isDue = true;
      requestAnimationFrame(() => {
        isDue = false;
        this.#draw();
      });
    };
    scroller.addEventListener('scroll', later, { passive: true });
    new ResizeObserver(later).observe(scroller);
  }

  get #conversation() {
    return this.#app.store.conversations.get(this.#id);
  }

  get #myRole() {
    return this.#app.store.conversations.mark(this.#conversation)?.role ?? 'member';
  }

  render(conversation) {
    show(this.node, !conversation.left);
    if (conversation.left) return;
    const { participants, participant_count: count } = conversation;
    write(this.#heading, counted(count, 'member'));
    show(this.#add, this.#myRole !== 'member');
    show(this.#search.parentElement, count >= SEARCH_FROM);
    if (participants.length >= count) this.#takeKnown(participants);
    else if (!this.#requests) this.#fetch();
    this.#draw();
  }

  /** Takes the members from the conversation if it has them all. */
  #takeKnown(participants) {
    const source = JSON.stringify(participants.map(({ user, role }) => [user, role]));
    if (source === this.#source) return;
    this.#source = source;
    this.#take(participants);
  }

  /** Fetches the members of a large group again if they may have changed. */
  receive(frame) {
    const isSystem = frame.type === 'message' && frame.message.conversation_id === this.#id
      && frame.message.kind === 'system';
    const isWhole = this.#conversation?.participants.length >= this.#conversation?.participant_count;
    if ((isSystem || frame.type === 'synced') && !isWhole) this.#fetch();
  }

  /** Fetches the members in pages. Of several requests only the last counts. */
  async #fetch() {
    this.#requests += 1;
    const request = this.#requests;
    const isFirst = this.#all === null;
    const found = [];
    this.#list.setAttribute('aria-busy', 'true');
    try {
      for (let path = api.membersPath(this.#id); path;) {
        const { body, links } = await api.page(path);
        if (request !== this.#requests) return;
        found.push(...body);
        path = links.next;
        if (isFirst && found.length === body.length) this.#take(found);
      }
      this.#source = null;
      this.#take(found);
      write(this.#none, '');
    } catch (problem) {
      if (request !== this.#requests) return;
      this.#none.replaceChildren(problem.detail ?? 'The members could not be loaded.', ' ',
        button('Try again', () => this.#fetch()));
    }
    this.#list.removeAttribute('aria-busy');
  }

  #take(members) {
    this.#all = members.map(({ user, role }) => ({ user, role })).sort((one, two) =>
      RANK[one.role] - RANK[two.role] || ORDER.compare(one.user.display_name, two.user.display_name));
    this.#namesakes = alike([this.#app.me, ...members.map(({ user }) => user)]);
    this.#filter();
  }

  #filter() {
    const sought = this.#search.parentElement.hidden ? '' : this.#search.value.trim();
    this.#shown = (this.#all ?? []).filter(({ user }) =>
      !sought || fits(sought, `${user.display_name} ${user.username}`));
    write(this.#none, sought && !this.#shown.length ? `No results for “${sought}”.` : '');
    this.#draw();
  }

  /** Draws the rows in view. The padding takes the place of the others. */
  #draw() {
    if (!this.#all || !this.#list.isConnected) return;
    const count = this.#shown.length;
    const top = this.#scroller.getBoundingClientRect().top - this.#list.getBoundingClientRect().top;
    const { from, to } = rowsInView({ count, height: this.#height, top, room: this.#scroller.clientHeight });
    const statuses = new Map(this.#conversation.participants.map((known) => [known.user.id, known]));
    const rows = this.#shown.slice(from, to).map((member, at) =>
      ({ ...member, at: from + at, ...this.#looks(member.user, statuses.get(member.user.id)) }));
    this.#list.style.paddingBlock = `${from * this.#height}px ${(count - to) * this.#height}px`;
    const focused = this.#list.contains(document.activeElement) ? document.activeElement : null;
    reconcile(this.#list, rows, {
      // A row with a changed text or menu is made anew.
      key: ({ at, ...member }) => JSON.stringify([member, this.#myRole]),
      make: (member) => this.#place(this.#row(member), member, count),
      update: (node, member) => this.#place(node, member, count),
    });
    if (focused && !focused.isConnected) this.#refocus(focused);
    this.#height = this.#list.firstElementChild?.offsetHeight || HEIGHT;
  }

  #place(node, { at }, count) {
    node.ariaSetSize = String(count);
    node.ariaPosInSet = String(at + 1);
    return node;
  }

  /** Moves the focus from a row that was drawn anew, or has left the view. */
  #refocus({ ariaLabel: label, href }) {
    const same = [...this.#list.querySelectorAll('a, button')]
      .find((it) => (href ? it.href === href : it.ariaLabel === label));
    if (same) same.focus({ preventScroll: true });
    else find('.tool', this.#scroller.parentElement).focus({ preventScroll: true });
  }

  #looks(user, known) {
    const isAlike = this.#namesakes.has(user.id);
    const isMe = user.id === this.#app.me.id;
    const status = known?.is_online ? 'online'
      : known?.last_seen && lastSeen(known.last_seen, this.#app.now());
    const hint = [(isAlike || !(isMe || status)) && `@${user.username}`, isMe ? 'you' : status]
      .filter(Boolean).join(' · ');
    return { hint, isAlike, isOnline: known?.is_online === true };
  }

  #row({ user, role, hint, isAlike, isOnline }) {
    const name = called(user, isAlike);
    const acts = user.id === this.#app.me.id ? [] : this.#acts(user, role);
    const href = `/profile/${encodeURIComponent(user.username)}?from=${this.#id}`;
    return element('div', { class: 'person', role: 'listitem' }, face(user.display_name, isOnline),
      element('p', {}, element('a', { class: 'name', href, dir: 'auto' }, user.display_name), ' ',
        element('span', { class: 'hint' }, hint)),
      role !== 'member' && element('span', { class: 'role' }, role),
      acts.length > 0 && element('button', {
        type: 'button', class: 'tool', 'aria-label': `Options for ${name}`, 'aria-haspopup': 'menu',
        onclick: ({ currentTarget }) => openMenu(acts, currentTarget, { label: name }),
      }, mark('mark-more')));
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
    const without = new Set((this.#all ?? []).map(({ user }) => user.id));
    const [user] = await choosePeople(this.#app, { title: 'Add members', without });
    if (!user) return;
    const answered = await this.#do(() => api.invite(this.#id, user.username));
    // A user who has left the group is invited, and must accept.
    if (answered?.state === 'invited') say(`Invited. ${called(user, true)} left this group and must accept the invitation.`);
  }

  async #do(act) {
    const answered = await attempt(this.#app, act);
    if (!answered) return null;
    try {
      this.#app.apply({ type: 'conversation', conversation: await api.conversation(this.#id) });
    } catch {
      // The socket brings the change, too.
    }
    if (this.#conversation.participants.length < this.#conversation.participant_count) await this.#fetch();
    return answered;
  }
}
