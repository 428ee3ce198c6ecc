/** A panel that slides over the list. It isn't modal: on a wide screen, the
 * conversation beside it stays in use. Panels stack: each has its own entry in
 * the history. */
import { element, find, mark } from '../lib/dom.js';
import { addLayer } from './layers.js';

/** The open panels, from the bottom to the top.
 * @type {{ node: HTMLElement, close: () => void }[]} */
const panels = [];
/** The parts of the page that a panel makes inert. */
let covered = [];
const narrow = matchMedia('(max-width: 699.98px)');
narrow.addEventListener('change', () => cover());

/**
 * Opens a panel. The focus goes to its element with `autofocus`, and back to
 * `opener` when the panel closes.
 * @param {{ title: string, content: (Node | string)[], opener?: Element | null }} how
 * @returns {{ node: HTMLElement, close: () => void }}
 */
export function openSidePanel({ title, content, opener = document.activeElement }) {
  const back = element('button', {
    type: 'button', class: 'tool', 'aria-label': 'Back', onclick: () => close(),
  }, mark('mark-back'));
  const node = element('section', { class: 'side-panel', 'aria-label': title, tabindex: '-1' },
    element('header', { class: 'bar' }, back, element('h2', { class: 'bar-name', dir: 'auto' }, title)),
    element('div', { class: 'side-panel-body' }, ...content));
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    closed();
    const hadFocus = node.contains(document.activeElement) || document.activeElement === document.body;
    panels.splice(panels.indexOf(panel), 1);
    node.remove();
    cover();
    if (hadFocus) giveFocus(opener);
  };
  const panel = { node, close };
  const closed = addLayer(close);
  node.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.defaultPrevented || find('[popover]:popover-open')) return;
    event.preventDefault();
    close();
  });
  const first = find('[autofocus]', node);
  // Browsers log that they ignore the attribute.
  first?.removeAttribute('autofocus');
  (topPanel() ?? find('.side')).after(node);
  panels.push(panel);
  cover();
  (first ?? back).focus({ preventScroll: true });
  return panel;
}

/** Returns the element of the topmost panel, or null. */
export const topPanel = () => panels.at(-1)?.node ?? null;

/** Closes all panels over the list. */
export function closeSidePanels() {
  while (panels.length) panels.at(-1).close();
}

/** Makes the parts below the topmost panel inert: the list, and on a narrow
 * screen the conversation, too. */
function cover() {
  for (const part of covered) part.inert = false;
  const top = topPanel();
  const { children } = find('.messenger');
  const below = narrow.matches
    ? [...children].filter((part) => part !== top && !part.matches('.banner'))
    : [...find('.side').children].filter((part) => !part.matches('.splitter'));
  covered = top ? [...below, ...panels.slice(0, -1).map(({ node }) => node)] : [];
  for (const part of covered) part.inert = true;
}

/** Focuses the opener, or the search if the opener is gone. */
function giveFocus(opener) {
  const isThere = opener?.isConnected && opener !== document.body && opener.checkVisibility();
  (isThere ? opener : find('#seek'))?.focus({ preventScroll: true });
}
