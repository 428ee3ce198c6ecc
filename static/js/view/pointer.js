/** Clicks and taps on the whole page. */
import {
  beside, mayWrite, openConversationMenu, openMessageMenu, openReact, react,
} from './actions.js';
import { openReactions } from './emoji.js';
import { element, find, mark, show } from '../lib/dom.js';
import { watchCopying } from './copying.js';
import { unfold } from './message.js';
import { hold, watchTouch } from './touch.js';

export function watchPointer(app) {
  document.addEventListener('click', (event) => click(app, event));
  document.addEventListener('contextmenu', (event) => context(app, event));
  watchTouch(app);
  watchCopying(app);
  offerActs(app);
}

/** Moves one bar of buttons to the message that the mouse points to or the
 * keyboard has focused. Touch has a long press and a swipe instead. */
function offerActs(app) {
  const [react, reply, menu] = [
    ['react', 'React', 'mark-smile'], ['reply', 'Reply', 'mark-reply'], ['menu', 'More', 'mark-more'],
  ].map(([act, label, symbol]) => element('button', {
    type: 'button', class: 'tool', 'data-act': act, 'aria-label': label, title: label, tabindex: '-1',
  }, mark(symbol)));
  const acts = element('div', { class: 'acts' }, element('div', {}, react, reply, menu));
  const offer = (target) => {
    // The bar stays while its menu is open.
    if (target.closest?.('[popover]')) return;
    const node = target.closest?.('.history .message');
    const { message } = node?.item ?? {};
    if (!message || message.deleted || node.matches('.is-lifted')) {
      acts.remove();
      return;
    }
    for (const button of [react, reply]) show(button, mayWrite(app.thread));
    if (!acts.isConnected || acts.closest('.message') !== node) find('.bubble', node).append(acts);
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
    return;
  }
  const node = link.closest('.message');
  if (link.matches('.when') && node?.item?.message) {
    event.preventDefault();
    openMessageMenu(app, node, find('.bubble', node));
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
    case 'menu': if (item?.message) openMessageMenu(app, node, beside(node, acting)); break;
    case 'reply': app.thread?.composer.answer(item.message); break;
    case 'reaction': {
      const isOn = acting.getAttribute('aria-pressed') === 'true';
      react(app, item.message, acting.dataset.emoji, !isOn);
      break;
    }
    case 'react': openReact(app, node, acting); break;
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
 * browser's. A finger opens them by `touch.js`. */
function context(app, event) {
  const row = event.target.closest('.row');
  const node = event.target.closest('.message');
  const at = { x: event.clientX, y: event.clientY };
  if (row) {
    const conversation = app.store.conversations.get(Number(row.dataset.id));
    if (!conversation) return;
    event.preventDefault();
    openConversationMenu(app, conversation, at);
    return;
  }
  if (!node?.item?.message || event.target.closest('.said a') || String(getSelection())) return;
  event.preventDefault();
  const reaction = event.target.closest('[data-act="reaction"]');
  if (event.pointerType === 'touch') hold(app, node, event.target);
  else if (reaction) openReactions(reaction);
  else openMessageMenu(app, node, at.x ? at : find('.bubble', node));
}
