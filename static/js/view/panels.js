/** The panels of the messenger: the info of the open conversation, profiles and
 * settings. They aren't modal, and each has its own URL. */
import { find } from '../lib/dom.js';
import { whenAhead } from './layers.js';
import { Panel } from './panel.js';

const INFO = 'main [data-act="about"]';
const PROFILE = /^\/profile\/[^/]+\/?$/u;

export class Panels {
  #app;
  /** The open panels, from the bottom to the top.
   * @type {Panel[]} */
  #open = [];

  constructor(app) {
    this.#app = app;
    whenAhead((href) => this.follow(href));
  }

  /** Takes over the info that the server has rendered into the page. */
  adopt() {
    const rendered = find('.messenger > .panel');
    if (!rendered) return;
    rendered.remove();
    // A page that was loaded with its info leads back to the page without it.
    if (!history.state?.layers) history.replaceState(null, '', conversationUrl(this.#app.openId));
    this.info();
  }

  /** Shows the info of the open conversation, or hides it. */
  info({ isToggled = false } = {}) {
    const { thread } = this.#app;
    if (!thread) return;
    const url = `${conversationUrl(thread.id)}&info=1`;
    const shown = this.#raised((panel) => panel.url === url);
    if (shown && isToggled) shown.close();
    if (shown) return;
    const panel = this.#add('info', 'Chat info', url, INFO);
    panel.load(async () => (await import('../sheets/info.js')).showInfo(this.#app, panel, thread));
  }

  /** Opens the panel of a URL. Returns false if the URL has none. */
  follow(href) {
    const { pathname: path, searchParams, search } = new URL(href, location.href);
    const isSettings = path === '/settings';
    if (isSettings || PROFILE.test(path)) {
      const panel = this.#raised((known) => known.path === path) ?? (isSettings
        ? this.#add('side', 'Settings', path + search, '.me') : this.#add('info', 'Profile', path + search, INFO));
      panel.load(async () => (await import('../sheets/page.js')).showPage(panel, path + search));
      return true;
    }
    const isInfo = path === '/messages' && searchParams.get('info') === '1'
      && searchParams.get('conversation') === String(this.#app.openId);
    if (isInfo) this.info();
    return isInfo;
  }

  render(now) {
    this.#mark();
    for (const { content } of this.#open) content?.render?.(now);
  }

  /** Gives a frame of the socket to the panels. */
  receive(frame) {
    for (const { content } of this.#open) content?.receive?.(frame);
  }

  /** Returns an open panel, and closes those above it. */
  #raised(isIt) {
    const shown = this.#open.findLast(isIt);
    while (shown && this.#open.at(-1) !== shown) this.#open.at(-1).close();
    return shown;
  }

  #add(place, title, url, otherwise) {
    const panel = new Panel({
      place,
      title,
      url,
      opener: openerOf(otherwise),
      closed: () => {
        this.#open = this.#open.filter((other) => other !== panel);
        this.#mark();
        // No frame reports a block, which the panel may have changed.
        if (url.startsWith('/settings') || PROFILE.test(panel.path)) this.#app.connectionChanged(null);
      },
    });
    this.#open.push(panel);
    this.#mark();
    return panel;
  }

  /** Closes the panels over the list, and those above them. */
  closeSide() {
    while (this.#open.some(({ node }) => node.matches('.is-side'))) this.#open.at(-1).close();
  }

  #mark() {
    const isShown = this.#open.some(({ url }) => url.endsWith('&info=1'));
    find(INFO)?.setAttribute('aria-expanded', String(isShown));
  }
}

const conversationUrl = (id) => `/messages?conversation=${id}`;

/** Returns the function that finds the element to focus when a panel closes:
 * the one that has the focus now, else the first match of a selector. */
function openerOf(otherwise) {
  const opener = document.activeElement;
  return () => {
    const isUsable = opener?.isConnected && opener !== document.body && opener.checkVisibility();
    return isUsable ? opener : find(otherwise);
  };
}
