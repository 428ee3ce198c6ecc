/** A panel beside the conversation or over the list. Its frame is there at once,
 * its content once that is loaded. */
import { element, find, mark } from '../lib/dom.js';
import { addLayer, matchHistory } from './layers.js';

export class Panel {
  node;
  body = element('div', { class: 'panel-body' });
  /** What the module of the content returned.
   * @type {{ render?: (now: number) => void, receive?: (frame: any) => void, end?: () => void } | null} */
  content = null;
  #heading;
  #how;
  #closed;
  #isClosed = false;
  #loads = 0;

  /** @param {{ place: 'info' | 'side', title: string, url: string,
   *   opener: () => HTMLElement | null, closed: (panel: Panel) => void }} how */
  constructor(how) {
    this.#how = how;
    const isSide = how.place === 'side';
    this.#heading = element('h2', { class: 'bar-name', dir: 'auto' }, how.title);
    const out = element('button', {
      type: 'button', class: 'tool', 'aria-label': isSide ? 'Back to chats' : 'Close', onclick: () => this.close(),
    }, mark(isSide ? 'mark-back' : 'mark-close'));
    this.node = element(isSide ? 'section' : 'aside', { class: `panel is-${how.place}`, 'aria-label': how.title },
      element('header', { class: 'bar' }, ...(isSide ? [out, this.#heading] : [this.#heading, out])), this.body);
    find(isSide ? '.side' : '.messenger').append(this.node);
    this.#closed = addLayer(() => this.close(), () => this.url);
    out.focus({ preventScroll: true });
  }

  get url() {
    return this.#how.url;
  }

  get path() {
    return new URL(this.url, location.href).pathname;
  }

  /** Changes the URL, for a reload and for Forward. */
  set url(url) {
    this.#how.url = url;
    if (!this.#isClosed) matchHistory();
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed();
    this.content?.end?.();
    const hadFocus = this.node.contains(document.activeElement) || document.activeElement === document.body;
    this.node.remove();
    this.#how.closed(this);
    if (hadFocus) this.#how.opener()?.focus({ preventScroll: true });
  }

  /** Loads the content. If that fails, says so and offers to try again.
   * @param {(panel: Panel) => Promise<Panel['content']>} fill */
  async load(fill) {
    const { body } = this;
    this.#loads += 1;
    const load = this.#loads;
    this.content?.end?.();
    this.content = null;
    body.setAttribute('aria-busy', 'true');
    body.replaceChildren(element('p', { class: 'hint', role: 'status' }, 'Loading…'));
    try {
      const content = await fill(this);
      if (this.#isClosed || load !== this.#loads) content?.end?.();
      else this.content = content;
    } catch (problem) {
      if (load !== this.#loads) return;
      const again = element('button', {
        type: 'button', class: 'button', onclick: () => {
          this.load(fill);
          find('.tool', this.node).focus();
        },
      }, 'Try again');
      body.replaceChildren(
        element('p', { class: 'wrong', role: 'alert' }, problem.detail ?? 'This could not be loaded.'), again);
    }
    body.removeAttribute('aria-busy');
  }
}
