/** A user's profile: follows their presence, and the connection with them. */
import { now, setClock } from '../lib/clock.js';
import { find, write } from '../lib/dom.js';
import { presenceText } from '../lib/time.js';
import * as api from '../net/api.js';
import { setPresence } from '../view/faces.js';
import { writeLocalTimes } from './times.js';

/** Milliseconds between redraws, which update ages. */
const REDRAW = 20_000;

/**
 * Makes a profile live.
 * @param {HTMLElement} root the page's `main`, in this page or in a panel
 * @param {{ renamed: (url: string) => void }} on is called with the profile's
 *   new URL after a rename: a name is in every part of the page
 * @returns {{ receive: (frame: any) => void, stop: () => void }} takes the
 *   frames of a socket, and ends
 */
export function start(root, on) {
  const view = new ProfileView(root, on);
  view.start();
  return { receive: (frame) => view.receive(frame), stop: () => view.stop() };
}

class ProfileView {
  #root;
  #on;
  #user;
  /** The profile as the server returned it last. */
  #profile = null;
  #shownRelation;
  #requests = 0;
  #timer = 0;
  #stopped = new AbortController();

  constructor(root, on) {
    this.#root = root;
    this.#on = on;
    this.#user = Number(root.dataset.user);
    this.#shownRelation = root.dataset.relation;
  }

  start() {
    writeLocalTimes(this.#root);
    this.#timer = setInterval(() => this.#drawPresence(), REDRAW);
    // No frame reports a block without a connection.
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#refresh();
    }, { signal: this.#stopped.signal });
  }

  stop() {
    clearInterval(this.#timer);
    this.#stopped.abort();
  }

  receive(frame) {
    if (frame.type === 'hello') {
      setClock(Date.parse(frame.server_time));
      this.#refresh();
    }
    const isAboutUser = (frame.type === 'user_status' && frame.user_id === this.#user)
      || (frame.type === 'connection' && frame.connection.user.id === this.#user);
    if (isAboutUser) this.#refresh();
    if (frame.type === 'user' && frame.user.id === this.#user) {
      this.#on.renamed(`/profile/${encodeURIComponent(frame.user.username)}`);
    }
  }

  /** Fetches the profile. A frame says that it has changed, and the last
   * response was read after the last frame. */
  async #refresh() {
    this.#requests += 1;
    const request = this.#requests;
    try {
      const found = await api.profile(this.#root.dataset.username);
      if (request !== this.#requests) return;
      this.#profile = found;
    } catch {
      // The next connection fetches it again.
      return;
    }
    this.#drawPresence();
    if (this.#shownRelation && this.#profile.connection !== this.#shownRelation) {
      this.#drawRelation();
    }
  }

  #drawPresence() {
    if (!this.#profile) return;
    // The user's own page is open, so others see them online.
    const status = this.#shownRelation ? this.#profile : { is_online: true, last_seen: null };
    setPresence(find('.face', this.#root), status.is_online);
    const text = presenceText(status, now());
    write(find('.status', this.#root), text && ` · ${text}`);
  }

  #drawRelation() {
    this.#shownRelation = this.#profile.connection;
    const template = find(`#relation-${this.#shownRelation}`, this.#root);
    const [text, form] = template.content.cloneNode(true).children;
    find('#relation', this.#root).replaceChildren(...text.childNodes);
    const former = find('.choices', this.#root);
    const hadFocus = former.contains(document.activeElement);
    former.replaceWith(form);
    if (hadFocus) find('button, a', form)?.focus();
  }
}
