/**
 * The client's WebSocket. When it closes, it reconnects at once, then with
 * growing delays; at once again when the network or the user is back.
 */
import { Reconnects } from '../state/backoff.js';
import { LOGIN_ENDED, ping } from './protocol.js';

/** Milliseconds of silence before a ping, and then before giving up. */
const PING_AFTER = 40_000;
const PONG_WITHIN = 8_000;

export class Socket {
  #socket = null;
  #reconnects = new Reconnects();
  #nextAt = 0;
  #timer = 0;
  #checks = 0;
  #receivedAt = 0;
  #isEnded = false;
  /** Whether `hello` arrived; if not, the server refused or is out of reach. */
  #isGreeted = false;
  #on;
  #path;

  /**
   * @param {{ open: () => void, frame: (frame: any) => void, close: () => void,
   *   ended: () => void, refused: () => void }} on
   * @param {string} path the endpoint
   */
  constructor(on, path = '/ws/') {
    this.#on = on;
    this.#path = path;
    addEventListener('online', () => this.#reconnect());
    addEventListener('offline', () => this.#drop());
    addEventListener('pageshow', () => this.#reconnect());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#reconnect();
    });
  }

  /** The milliseconds until the next attempt; null during one. */
  get wait() {
    return this.#socket ? null : Math.max(0, this.#nextAt - performance.now());
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  open() {
    clearTimeout(this.#timer);
    if (this.#isEnded || this.#socket) return;
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url, 'tidings.v1');
    this.#socket = socket;
    this.#isGreeted = false;
    this.#receivedAt = Date.now();
    socket.addEventListener('message', ({ data }) => this.#receive(socket, data));
    socket.addEventListener('close', ({ code }) => this.#closed(socket, code));
    clearInterval(this.#checks);
    this.#checks = setInterval(() => this.#check(socket), 5_000);
  }

  /** Returns whether the frame was sent; it may still get lost. */
  send(frame) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #receive(socket, data) {
    if (socket !== this.#socket) return;
    this.#receivedAt = Date.now();
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame.type === 'hello') {
      this.#reconnects.opened(performance.now());
      this.#isGreeted = true;
      console.info('WebSocket connection established');
      this.#on.open();
    }
    this.#on.frame(frame);
  }

  /** Detects a dead connection, which browsers may not report. */
  #check(socket) {
    const silence = Date.now() - this.#receivedAt;
    if (silence > PING_AFTER + PONG_WITHIN) this.#closed(socket, 1006);
    else if (silence > PING_AFTER) this.send(ping());
  }

  #closed(socket, code) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    clearInterval(this.#checks);
    socket.close();
    this.#on.close();
    if (code === LOGIN_ENDED) {
      this.#isEnded = true;
      this.#on.ended();
      return;
    }
    if (!this.#isGreeted) this.#on.refused();
    const wait = this.#reconnects.closed(performance.now(), Math.random());
    this.#nextAt = performance.now() + wait;
    this.#timer = setTimeout(() => this.open(), wait);
  }

  /** Connects now rather than after the delay. */
  retry() {
    this.#reconnect();
  }

  /** Reconnects without delay. An open socket may be dead, so it is pinged. */
  #reconnect() {
    if (this.isOpen) {
      this.send(ping());
      this.#receivedAt = Math.min(this.#receivedAt, Date.now() - PING_AFTER);
    } else if (!this.#socket) {
      this.#reconnects.reset();
      this.open();
    }
  }

  #drop() {
    if (this.#socket) this.#closed(this.#socket, 1006);
  }
}
