/** Helpers for elements. None of them parses text as HTML. */

/** @returns {HTMLElement | null} */
export const find = (selector, within = document) => within.querySelector(selector);

/** Returns the modal dialog opened last, else the body. All outside of it is
 * inert, also popovers above it. */
export const topmost = () => [...document.querySelectorAll('dialog:modal')].at(-1) ?? document.body;

/** Returns a copy of an element in the template with this id. */
export function piece(id, at = 0) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.children[at].cloneNode(true));
}

/**
 * Returns an element with attributes and children, without children that are
 * null or false.
 * @param {string} name
 * @param {Record<string, unknown>} [attributes]
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? '' : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== false));
  return made;
}

/** Returns an icon that uses one of the page's SVG symbols. */
export function mark(symbol, className = 'mark') {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('class', className);
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(space, 'use');
  use.setAttribute('href', `#${symbol}`);
  svg.append(use);
  return svg;
}

/** Shows or hides an HTML or SVG element. */
export function show(node, isShown) {
  node?.toggleAttribute('hidden', !isShown);
}

/** Sets a text if it differs: screen readers don't repeat it. */
export function write(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/**
 * Makes the children of `parent` match `items`, in their order, and keeps
 * existing nodes by their key.
 * @template T
 * @param {HTMLElement} parent
 * @param {T[]} items
 * @param {{ key: (item: T) => string, make: (item: T) => HTMLElement, update: (node: HTMLElement, item: T) => HTMLElement | void }} how
 */
export function reconcile(parent, items, { key, make, update }) {
  const known = new Map();
  for (const child of parent.children) known.set(child.dataset.key, child);
  // What is gone is removed first: otherwise kept nodes would move, and lose the focus.
  const wanted = new Set(items.map(key));
  for (const [name, child] of known) {
    if (!wanted.has(name)) child.remove();
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let node = known.get(name);
    if (node) {
      const replaced = update(node, item);
      if (replaced && replaced !== node) {
        if (place === node) place = replaced;
        node.replaceWith(replaced);
        node = replaced;
        node.dataset.key = name;
      }
    } else {
      node = make(item);
      node.dataset.key = name;
    }
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
}
