/** The bar above a conversation that shows the state of a lost connection. */
import { now } from '../lib/clock.js';
import { element, find } from '../lib/dom.js';

/** Milliseconds of lost connection that are not shown. */
const GRACE = 1_000;
/** Milliseconds until an unreachable server is reported. */
const PATIENCE = 5_000;
/** Milliseconds between updates of the remaining time. */
const TICK = 500;

export class ConnectionBar {
  #app;
  #bar = find('.banner');
  #state = '';
  #ticks = 0;
  /** The time until the next attempt. Screen readers would announce each change. */
  #left = element('span', { 'aria-hidden': 'true' });

  constructor(app) {
    this.#app = app;
  }

  render(at = now()) {
    const { sync } = this.#app;
    const state = stateOf(sync, at);
    if (sync.lostAt === null) {
      clearInterval(this.#ticks);
      this.#ticks = 0;
    } else this.#ticks ||= setInterval(() => this.render(), TICK);
    this.#left.textContent = sync.wait === null ? 'Trying…' : `Next try in ${Math.ceil(sync.wait / 1_000)} s`;
    if (state === this.#state) return;
    this.#state = state;
    const hadFocus = this.#bar.contains(document.activeElement);
    this.#bar.replaceChildren(...this.#content(state));
    if (hadFocus) this.#app.thread?.composer.focus();
  }

  #content(state) {
    switch (state) {
      case 'connecting': return ['Connecting…'];
      case 'offline': return ['Offline. Messages will be sent when you’re back.'];
      case 'unreachable': return ['Can’t reach the server. ', this.#left, ' ',
        element('button', {
          type: 'button', class: 'button is-quiet', onclick: () => this.#app.sync.retry(),
        }, 'Try now')];
      default: return [];
    }
  }
}

function stateOf({ lostAt, isReachable }, at) {
  if (lostAt === null || at - lostAt < GRACE) return '';
  if (!navigator.onLine) return 'offline';
  return isReachable || at - lostAt < PATIENCE ? 'connecting' : 'unreachable';
}
