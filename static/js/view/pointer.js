/** Clicks, taps and long presses on the whole page. */
import { openMessageMenu, openConversationMenu, react } from './actions.js';
import { openEmoji } from './emoji.js';
import { element, find, mark } from '../lib/dom.js';
import { unfold } from './message.js';

const LONG = 450;
const SLIP = 10;

export function watchPointer(app) {
  document.addEventListener('click', (event) => click(app, event));
  document.addEventListener('contextmenu', (event) => context(app, event));
  watchLongPress(app);
  offerActs();
}

/** Moves one pair of buttons to the message that the mouse points to or the
 * keyboard has focused. Touch has a long press instead. */
function offerActs() {
  const [react, menu] = [['react', 'React', 'mark-smile'], ['menu', 'More', 'mark-more']]
    .map(([act, label, symbol]) => element('button', {
      type: 'button', class: 'tool', 'data-act': act, 'aria-label': label, tabindex: '-1',
    }, mark(symbol)));
  const acts = element('div', { class: 'acts' }, react, menu);
  const offer = (target) => {
    const node = target.closest?.('.history .message');
    const { message } = node?.item ?? {};
    if (!message || message.deleted) acts.remove();
    else if (acts.parentElement?.parentElement !== node) find('.bubble', node).append(acts);
  };
  document.addEventListener('pointerover', ({ target, pointerType }) => {
    if (pointerType !== 'touch') offer(target);
  }, { passive: true });
  document.addEventListener('focusin', ({ target }) => {
    if (target.matches?.('.message:focus-visible')) offer(target);
  });
}

function click(app, event) {
  const acting = event.target.closest('[data-act]');
  if (acting) {
    act(app, acting, event);
    return;
  }
  const link = event.target.closest('a[href]');
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const quote = link.closest('.quote');
  if (quote) {
    event.preventDefault();
    app.thread?.jump({ id: Number(quote.dataset.id), seq: Number(quote.dataset.seq) });
  } else if (!link.target && app.follow(link.href)) event.preventDefault();
}

function act(app, acting, event) {
  const node = acting.closest('.message');
  const item = node?.item;
  const { conversation } = app.thread ?? {};
  switch (acting.dataset.act) {
    case 'new': app.startNew(); break;
    case 'about': app.panels.info({ isToggled: true }); break;
    case 'more': if (conversation) openConversationMenu(app, conversation, acting); break;
    case 'menu': if (item?.message) openMessageMenu(app, node, acting); break;
    case 'reaction': {
      const isOn = acting.getAttribute('aria-pressed') === 'true';
      react(app, item.message, acting.dataset.emoji, !isOn);
      break;
    }
    case 'react': openEmoji(acting, (sign) => react(app, item.message, sign, true)); break;
    case 'unfold':
      unfold(node, acting.getAttribute('aria-expanded') === 'false');
      break;
    case 'retry':
      app.outbox.retry(item.item.client_id);
      app.sync.flush();
      app.change();
      break;
    case 'discard': {
      const dropped = app.outbox.drop(item.item.client_id);
      if (dropped) app.thread?.composer.giveBack(dropped.text);
      app.change();
      break;
    }
    default: return;
  }
  event.preventDefault();
}

/** Opens our context menus. Links of a message and selected text keep the
 * browser's. */
function context(app, event) {
  const row = event.target.closest('.row');
  const node = event.target.closest('.message');
  const at = { x: event.clientX, y: event.clientY };
  if (row) {
    const conversation = app.store.conversations.get(Number(row.dataset.id));
    if (!conversation) return;
    event.preventDefault();
    openConversationMenu(app, conversation, at);
  } else if (node?.item?.message && !event.target.closest('.said a') && !String(getSelection())) {
    event.preventDefault();
    openMessageMenu(app, node, at.x ? at : node);
  }
}

/** For phones without `contextmenu` events: iOS. */
function watchLongPress(app) {
  let timer = 0;
  let from = null;
  document.addEventListener('touchstart', (event) => {
    const node = event.target.closest('.message');
    if (!node?.item?.message || event.touches.length > 1) return;
    const [{ clientX: x, clientY: y }] = event.touches;
    from = { x, y };
    timer = setTimeout(() => openMessageMenu(app, node, from), LONG);
  }, { passive: true });
  document.addEventListener('touchmove', (event) => {
    const [{ clientX: x, clientY: y }] = event.touches;
    if (from && Math.hypot(x - from.x, y - from.y) > SLIP) clearTimeout(timer);
  }, { passive: true });
  for (const type of ['touchend', 'touchcancel', 'contextmenu']) {
    document.addEventListener(type, () => clearTimeout(timer), { passive: true });
  }
}
