/** Small helpers for elements. Text only ever becomes text. */

/** @returns {HTMLElement | null} */
export const find = (selector, within = document) => within.querySelector(selector);

/** What the user can reach: the modal dialog opened last, else the page. All
 * that is outside of it is inert, also what floats above it. */
export const topmost = () => [...document.querySelectorAll('dialog:modal')].at(-1) ?? document.body;

/** A copy of what stands in the template of that id. */
export function piece(id, at = 0) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.children[at].cloneNode(true));
}

/**
 * An element with attributes and children; a child that is null or false is
 * left out.
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

/** A drawing of the page's symbols. */
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

/** Shows an element or hides it, whichever namespace it is of. */
export function show(node, isShown) {
  node?.toggleAttribute('hidden', !isShown);
}

/** Writes a text only where it differs, so that nothing is read out twice. */
export function write(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/**
 * Makes the children of `parent` those of `items`, in their order, keeping
 * what is there already.
 * @template T
 * @param {HTMLElement} parent
 * @param {T[]} items
 * @param {{ key: (item: T) => string, make: (item: T) => HTMLElement, update: (node: HTMLElement, item: T) => HTMLElement | void }} how
 */
export function reconcile(parent, items, { key, make, update }) {
  const known = new Map();
  for (const child of parent.children) known.set(child.dataset.key, child);
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let node = known.get(name);
    known.delete(name);
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
  for (const gone of known.values()) gone.remove();
}
