/** The name in the info of a conversation. Owners and admins can rename a group. */
import * as api from '../net/api.js';
import { element, find, mark, show, write } from '../lib/dom.js';
import { attempt } from '../view/actions.js';

export class Title {
  node = element('div', { class: 'info-title' });
  #app;
  #id;
  #name = element('h3', { dir: 'auto' });
  #pencil = element('button', {
    type: 'button', class: 'tool', 'aria-label': 'Rename group', hidden: true, onclick: () => this.#edit(),
  }, mark('mark-edit'));
  #form = null;

  constructor(app, id) {
    this.#app = app;
    this.#id = id;
    this.node.append(element('div', { class: 'info-name' }, this.#name, this.#pencil));
  }

  render(conversation) {
    const { conversations } = this.#app.store;
    write(this.#name, conversations.name(conversation));
    const role = conversations.mark(conversation)?.role ?? 'member';
    const mayRename = conversation.kind === 'group' && !conversation.left && role !== 'member';
    show(this.#pencil, mayRename);
    if (!mayRename) this.#end();
  }

  /** Shows a form in place of the name. */
  #edit() {
    const field = element('input', {
      id: 'title', value: this.#app.store.conversations.get(this.#id).title, maxlength: 100, required: true,
      autocomplete: 'off',
    });
    this.#form = element('form', { class: 'info-rename' },
      element('div', { class: 'field' }, element('label', { for: 'title' }, 'Group name'), field),
      element('div', { class: 'choices' },
        element('button', { type: 'button', class: 'button is-quiet', onclick: () => this.#end() }, 'Cancel'),
        element('button', { type: 'submit' }, 'Save')));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#rename(field.value.trim());
    });
    this.#form.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      this.#end();
    });
    show(find('.info-name', this.node), false);
    this.node.append(this.#form);
    field.focus();
    field.select();
  }

  async #rename(title) {
    if (!title) return;
    const changed = await attempt(this.#app, () => api.rename(this.#id, title));
    if (!changed) return;
    this.#app.apply({ type: 'conversation', conversation: changed });
    this.#end();
  }

  #end() {
    if (!this.#form) return;
    const hadFocus = this.#form.contains(document.activeElement);
    this.#form.remove();
    this.#form = null;
    show(find('.info-name', this.node), true);
    if (hadFocus) this.#pencil.focus();
  }
}
