/** A sheet over the page: a modal dialog with a title and a close button. */
import { element, mark } from '../lib/dom.js';
import { addLayer } from './layers.js';
import { keepToasts, regions } from './toast.js';

/**
 * @param {string} title
 * @param {...(Node | string)} content
 * @returns {HTMLDialogElement}
 */
export function openDialog(title, ...content) {
  const out = element('button', {
    type: 'button', class: 'tool', 'aria-label': 'Close', onclick: () => dialog.close(),
  }, mark('mark-close'));
  const dialog = /** @type {HTMLDialogElement} */ (element('dialog', { class: 'sheet', 'aria-label': title },
    element('header', { class: 'bar' }, element('h2', { class: 'bar-name', dir: 'auto' }, title), out),
    element('div', { class: 'sheet-body' }, ...content), ...regions()));
  const closed = addLayer(() => dialog.close());
  dialog.addEventListener('close', () => {
    closed();
    dialog.remove();
    keepToasts(dialog);
  });
  // The target of a click beside the sheet is the dialog itself.
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks for confirmation of what can't be undone. */
export function confirmed(question, yes) {
  return new Promise((resolve) => {
    let answer = false;
    const choose = (is) => () => {
      answer = is;
      dialog.close();
    };
    const dialog = openDialog(question,
      element('p', { class: 'choices' },
        element('button', { type: 'button', class: 'button is-grave', onclick: choose(true) }, yes),
        element('button', { type: 'button', class: 'button is-quiet', onclick: choose(false), autofocus: true }, 'Cancel')));
    dialog.classList.add('is-small');
    dialog.addEventListener('close', () => resolve(answer));
  });
}
