/** Keyboard shortcuts, and the space that a phone's keyboard takes. */
import { find } from '../lib/dom.js';
import { actOf } from '../lib/shortcuts.js';
import { isMuted } from '../state/conversations.js';
import { archive, mute, openMessageMenu, pin } from './actions.js';
import { withModule } from './dialog.js';
import { closeTopLayer } from './layers.js';

const TYPES = 'input, textarea, select, [contenteditable]';

/** Runs an action on the open chat. */
const onOpen = (act) => (app) => {
  const conversation = app.thread?.conversation;
  if (conversation) act(app, conversation);
};

/** The actions of the shortcuts in `lib/shortcuts.js`. */
const ACTS = {
  search: (app) => app.seek.focus(),
  new: (app) => app.startNew(),
  previous: (app) => openBeside(app, -1),
  next: (app) => openBeside(app, 1),
  unread: openUnread,
  archive: onOpen(archive),
  mute: onOpen((app, conversation) =>
    mute(app, conversation, isMuted(conversation, app.now()) ? null : 'always')),
  pin: onOpen(pin),
  help: () => withModule(import('../sheets/help.js'), ({ openHelp }) => openHelp()),
};

export function watchKeys(app) {
  // Keys of an input method are for it alone. Safari sends the Enter that ends a
  // composition after the end, with the key code 229.
  addEventListener('keydown', (event) => {
    if (event.isComposing || event.keyCode === 229) event.stopPropagation();
  }, { capture: true });
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || find('dialog:modal')) return;
    const act = actOf(event);
    const isField = Boolean(event.target.closest?.(TYPES));
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (act && !(isField && isPlain)) {
      event.preventDefault();
      ACTS[act](app);
    } else if (event.key === 'Escape') escape(app, event);
    else if (walkMessages(app, event)) event.preventDefault();
    else if (isPlain && !isField) plain(app, event);
  });
  // The address of the link would open the conversation anew.
  find('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    find('.history')?.focus();
  });
}

function escape(app, event) {
  if (find('[popover]:popover-open')) return;
  const { thread } = app;
  if (event.target.closest?.('.composer') && thread?.composer.escape()) return;
  if (closeTopLayer() || !thread || thread.composer.escape()) return;
  if (event.target.closest?.('.message')) thread.composer.focus();
  else {
    const { id } = thread;
    app.close();
    find(`.list .row[data-id="${id}"]`)?.focus();
  }
}

function plain(app, event) {
  if (event.key.length === 1 && event.key !== ' ' && app.thread
    && !event.target.closest?.('.side, .side-panel, .panel, button, a, [popover]')) {
    // Typing outside of a field goes to the composer.
    app.thread.composer.focus();
  } else if (event.key === 'ArrowUp' && event.target.closest?.('.history') && app.thread) {
    event.preventDefault();
    app.thread.history.focusLast();
  }
}

/** Arrows, Home and End go from message to message; Enter and the menu key open
 * its menu.
 * Returns false for other keys and other elements. */
function walkMessages(app, event) {
  const node = event.target.closest?.('.message');
  if (!node) return false;
  const all = [...document.querySelectorAll('.history .message')];
  const at = all.indexOf(node);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) {
    if (all[to]) all[to].focus();
    else if (to > 0) app.thread?.composer.focus();
    return true;
  }
  const isMenu = event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey);
  if (!isMenu && !(event.key === 'Enter' && event.target === node)) return false;
  if (node.item?.message) openMessageMenu(app, node, find('.bubble', node));
  return true;
}

/** Opens the chat before or after the open one. */
function openBeside(app, step) {
  const all = listed(app);
  const at = all.findIndex(({ id }) => id === app.openId);
  const next = at < 0 ? all.at(step > 0 ? 0 : -1) : all[at + step];
  if (next) openChat(app, next);
}

/** Opens the next chat with unread messages. After the last chat, the search
 * goes on at the first one. */
function openUnread(app) {
  const all = listed(app);
  const at = all.findIndex(({ id }) => id === app.openId);
  const others = [...all.slice(at + 1), ...all.slice(0, Math.max(at, 0))];
  const next = others.find(({ unread_count: count }) => count > 0);
  if (next) openChat(app, next);
}

/** Returns the chats of the list that has the open one, in its order. */
const listed = ({ store: { conversations }, openId }) =>
  conversations.ordered({ archived: Boolean(conversations.get(openId)?.archived) });

async function openChat(app, { id }) {
  await app.open(id);
  find(`.list .row[data-id="${id}"]`)?.scrollIntoView({ block: 'nearest' });
}

/** Keeps the composer above a phone's keyboard and the header in place, also in
 * browsers that lay the keyboard over the page (iOS). */
export function followViewport(view = window.visualViewport) {
  if (!view) return;
  const { style } = document.documentElement;
  const fit = () => {
    // Zooming in shrinks the viewport, too, but must not shrink the page.
    const isCovered = view.scale < 1.01 && view.height < innerHeight - 1;
    for (const [name, size] of [['--seen', view.height], ['--seen-from', view.offsetTop]]) {
      if (isCovered) style.setProperty(name, `${size}px`);
      else style.removeProperty(name);
    }
  };
  view.addEventListener('resize', fit);
  view.addEventListener('scroll', fit);
  fit();
}
