/** A page of the server in a panel: the settings, or a profile. Its forms are
 * sent without leaving the messenger. */
import * as api from '../net/api.js';
import { element, find } from '../lib/dom.js';
import { say } from '../view/toast.js';
import { loadPage } from './pages.js';
import * as profile from './profile.js';
import * as settings from './settings.js';

/** Loads a page into a panel. */
export async function showPage(panel, path) {
  const shown = new ServerPage(panel);
  try {
    await shown.take(await loadPage(path));
    return shown;
  } catch (problem) {
    shown.end();
    throw problem;
  }
}

class ServerPage {
  #panel;
  #running = null;
  #isSending = false;
  #ended = new AbortController();

  constructor(panel) {
    this.#panel = panel;
    panel.body.addEventListener('submit', (event) => this.#submit(event), { signal: this.#ended.signal });
  }

  receive(frame) {
    this.#running?.receive(frame);
  }

  end() {
    this.#ended.abort();
    this.#running?.stop();
  }

  /** Shows a page, or leaves the messenger if the page isn't for a panel. */
  async take({ url, page }) {
    const { pathname, search } = new URL(url);
    const main = find('main.page', page);
    if (!main && find('main.account-page form', page)) {
      location.assign(url);
      return;
    }
    // The panel was closed meanwhile.
    if (this.#ended.signal.aborted) return;
    if (!main) throw new api.Problem({ detail: find('main h1 + p', page)?.textContent ?? 'This could not be loaded.' });
    const root = element('div', { class: main.className });
    Object.assign(root.dataset, main.dataset);
    root.append(...main.childNodes);
    find('.way-back', root)?.closest('p').remove();
    this.#running?.stop();
    this.#panel.body.replaceChildren(root);
    this.#panel.url = pathname + search;
    if (pathname === '/settings') {
      // The panel's header has this heading.
      find('h1', root).classList.add('unseen');
      settings.start(root);
    } else this.#running = profile.start(root, { renamed: (path) => this.#reload(path) });
  }

  async #reload(path) {
    try {
      await this.take(await loadPage(path));
    } catch {
      // The profile as it was before stays.
    }
  }

  /** Sends a form of a profile. The script of the settings sends theirs. */
  async #submit(event) {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || form.matches('[data-leaves]')) return;
    event.preventDefault();
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      const body = new URLSearchParams(/** @type {any} */ (new FormData(form, submitter)));
      // Without the attribute, `formAction` is the URL of the messenger.
      const url = submitter?.getAttribute('formaction') ?? form.action;
      await this.take(await loadPage(url, body));
      find('.choices button, .choices a', this.#panel.body)?.focus({ preventScroll: true });
    } catch (problem) {
      say(problem.detail);
    }
    this.#isSending = false;
  }
}
