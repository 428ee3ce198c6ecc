/**
 * The one socket, kept open: at once again when it closes, then after longer
 * and longer; at once when the network or the reader is back.
 */
import { delay } from '../state/backoff.js';
import { LOGIN_ENDED, ping } from './protocol.js';

/** Says so after this much silence, and takes no answer for an end. */
const SILENCE = 40_000;
const PATIENCE = 8_000;

export class Socket {
  #socket = null;
  #attempt = 0;
  #timer = 0;
  #watch = 0;
  #heard = 0;
  #isEnded = false;
  /** It said hello: one that never does was refused, or didn't get there. */
  #isGreeted = false;
  #on;

  /**
   * @param {{ open: () => void, frame: (frame: any) => void, close: () => void,
   *   ended: () => void, refused: () => void }} on
   */
  constructor(on) {
    this.#on = on;
    addEventListener('online', () => this.#now());
    addEventListener('offline', () => this.#drop());
    addEventListener('pageshow', () => this.#now());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#now();
    });
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  open() {
    clearTimeout(this.#timer);
    if (this.#isEnded || this.#socket) return;
    const url = new URL('/ws/', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url, 'tidings.v1');
    this.#socket = socket;
    this.#isGreeted = false;
    this.#heard = Date.now();
    socket.addEventListener('message', ({ data }) => this.#hear(socket, data));
    socket.addEventListener('close', ({ code }) => this.#closed(socket, code));
    clearInterval(this.#watch);
    this.#watch = setInterval(() => this.#check(socket), 5_000);
  }

  /** Whether it went out; what did may still be lost. */
  send(frame) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #hear(socket, data) {
    if (socket !== this.#socket) return;
    this.#heard = Date.now();
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame.type === 'hello') {
      this.#attempt = 0;
      this.#isGreeted = true;
      this.#on.open();
    }
    this.#on.frame(frame);
  }

  /** A connection may be gone without anybody being told. */
  #check(socket) {
    const silence = Date.now() - this.#heard;
    if (silence > SILENCE + PATIENCE) this.#closed(socket, 1006);
    else if (silence > SILENCE) this.send(ping());
  }

  #closed(socket, code) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    clearInterval(this.#watch);
    socket.close();
    this.#on.close();
    if (code === LOGIN_ENDED) {
      this.#isEnded = true;
      this.#on.ended();
      return;
    }
    if (!this.#isGreeted) this.#on.refused();
    const wait = delay(this.#attempt, Math.random());
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.open(), wait);
  }

  /** Somebody waits for it. One that seems open may be dead: it is asked. */
  #now() {
    if (this.isOpen) {
      this.send(ping());
      this.#heard = Math.min(this.#heard, Date.now() - SILENCE);
    } else if (!this.#socket) {
      this.#attempt = 0;
      this.open();
    }
  }

  #drop() {
    if (this.#socket) this.#closed(this.#socket, 1006);
  }
}
