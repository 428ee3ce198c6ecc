/** Requests above the list: invitations to groups, and connection requests. */
import * as api from '../net/api.js';
import { element, find, show } from '../lib/dom.js';
import { called, isolated } from '../lib/names.js';
import { button, person } from './faces.js';
import { say } from './toast.js';

export class Requests {
  #app;
  #node = element('section', { class: 'people', 'aria-label': 'People', hidden: true });

  constructor(app, scroll) {
    this.#app = app;
    find('.people', scroll)?.remove();
    find('.list', scroll).before(this.#node);
  }

  render() {
    const { connections, conversations, invitations } = this.#app.store;
    const asking = connections.filter(({ state }) => state === 'incoming');
    const asked = connections.filter(({ state }) => state === 'requested');
    const shown = [...asking, ...asked];
    const looks = JSON.stringify([invitations, shown]);
    if (this.#node.dataset.looks === looks) return;
    this.#node.dataset.looks = looks;
    const namesakes = conversations.namesakes(shown.map(({ user }) => user));
    const rows = [...invitations.map((known) => this.#invitation(known)),
      ...shown.map((known) => this.#connection(known, namesakes))];
    show(this.#node, rows.length > 0);
    if (rows.length < 2) {
      this.#node.replaceChildren(...rows);
      return;
    }
    const wasOpen = find('details', this.#node)?.open ?? conversations.size === 0;
    this.#node.replaceChildren(element('details', { open: wasOpen },
      element('summary', {}, summary(invitations.length, asking.length, asked.length)), ...rows));
  }

  /** Focuses the first request, or the summary of several. */
  focus() {
    find('summary, button', this.#node)?.focus();
  }

  #invitation(invitation) {
    const { id, title, inviter } = invitation;
    const answer = async (asked) => {
      const { isIdle } = this.#app.choose();
      try {
        const group = await asked;
        this.#app.apply({ type: 'invitation', invitation: { ...invitation, state: 'none' } });
        if (!group) return;
        this.#app.apply({ type: 'conversation', conversation: group });
        if (isIdle()) this.#app.open(group.id);
      } catch (problem) {
        say(problem.detail);
      }
    };
    return person({ display_name: title }, { hint: `${isolated(inviter.display_name)} invited you to rejoin` },
      button('Accept', () => answer(api.join(id)), { isQuiet: false, label: `Accept the invitation to ${title}` }),
      button('Decline', () => answer(api.refuse(id)), { label: `Decline the invitation to ${title}` }));
  }

  #connection({ id, state, user }, namesakes) {
    const name = user.display_name;
    const shown = { ...user, display_name: called(user, namesakes.has(user.id)) };
    if (state === 'incoming') {
      const href = `/profile/${encodeURIComponent(user.username)}`;
      return person(shown, { hint: 'wants to connect', href },
        button('Accept', () => this.#answer(api.accept(id)), { isQuiet: false, label: `Accept the request of ${name}` }),
        button('Decline', () => this.#answer(api.decline(id)), { label: `Decline the request of ${name}` }));
    }
    const row = person(shown, { hint: 'hasn’t accepted your request yet.' });
    row.classList.add('is-waiting');
    return row;
  }

  async #answer(asked) {
    try {
      const connection = await asked;
      if (connection) this.#app.apply({ type: 'connection', connection });
    } catch (problem) {
      say(problem.detail);
    }
  }
}

/** Returns the summary of invitations and requests. */
function summary(invited, asking, asked) {
  const groups = invited === 1 ? '1 group invitation' : invited && `${invited} group invitations`;
  const people = asking === 1 ? '1 person wants to connect'
    : asking ? `${asking} people want to connect`
      : !invited && `${asked} requests sent`;
  return [groups, people].filter(Boolean).join(' · ');
}
