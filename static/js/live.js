/** Keeps the user online on a page outside the messenger: marks new messages as
 * delivered, and shows the unread count in the title. */
import * as api from './net/api.js';
import { mark } from './net/protocol.js';
import { Socket } from './net/socket.js';
import { Seen } from './state/seen.js';
import { showUnread } from './view/notices.js';

/** Milliseconds for which delivered marks are collected. */
const FLUSH = 1_000;

/** @param {(frame: any) => void} receive takes each frame of the socket */
export function goLive(receive = () => {}) {
  const page = new LivePage(receive);
  page.start();
}

class LivePage {
  #title = document.title;
  #seen = new Seen();
  #socket;
  #receive;
  /** The id of this page's user. */
  #me = 0;

  constructor(receive) {
    this.#receive = receive;
    this.#socket = new Socket({
      open: () => {},
      frame: (frame) => this.#apply(frame),
      close: () => this.#seen.lost(),
      ended: api.logInAgain,
      // Browsers hide why a socket is refused. Without a login, this is a 401.
      refused: () => api.me().catch(() => {}),
    }, '/ws/notifications/');
  }

  start() {
    // The messenger opened this page as a panel, and a reload made it a page.
    const { pathname } = location;
    addEventListener('popstate', () => location.pathname !== pathname && location.reload());
    api.whenLoggedOut(api.logInAgain);
    // The response to a logout must not be cancelled by another navigation.
    addEventListener('submit', (event) => {
      if (!event.defaultPrevented) api.setLeaving(true);
    });
    this.#socket.open();
    setInterval(() => this.#sendMarks(), FLUSH);
  }

  #apply(frame) {
    if (frame.type === 'hello') {
      this.#me = frame.user.id;
      this.#showUnread(frame.total_unread);
    }
    if (frame.user_id === this.#me && ['delivered', 'read_receipt'].includes(frame.type)) {
      this.#seen.known(frame.type, frame.conversation_id, frame.seq);
    }
    if (frame.type === 'unread') showUnread(frame.total, this.#title);
    if (frame.type === 'message' && frame.message.sender.id !== this.#me) {
      this.#reach(frame.message);
    }
    this.#receive(frame);
  }

  #reach({ conversation_id, id, seq }) {
    this.#seen.reach('delivered', { conversation_id, id, seq });
  }

  /** Messages may have come before this socket was open. */
  async #showUnread(total) {
    showUnread(total, this.#title);
    if (!total) return;
    try {
      for (const { unread_count: unread, last_message: last } of await api.conversations()) {
        if (unread && last && last.sender.id !== this.#me) this.#reach(last);
      }
    } catch {
      // The next connection looks again.
    }
  }

  #sendMarks() {
    if (!this.#socket.isOpen) return;
    for (const seen of this.#seen.take()) {
      if (!this.#socket.send(mark(seen))) this.#seen.untold(seen);
    }
  }

}
