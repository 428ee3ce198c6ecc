/** Modal dialogs: a sheet with a title and a close button, and a question. */
import { element, mark } from '../lib/dom.js';
import { addLayer } from './layers.js';
import { keepToasts, regions, say } from './toast.js';

/**
 * @param {string} title
 * @param {...(Node | string)} content
 * @returns {HTMLDialogElement}
 */
export function openDialog(title, ...content) {
  const out = element('button', {
    type: 'button', class: 'tool', 'aria-label': 'Close', onclick: () => dialog.close(),
  }, mark('mark-close'));
  const dialog = open({ class: 'sheet', 'aria-label': title },
    element('header', { class: 'bar' }, element('h2', { class: 'bar-name', dir: 'auto' }, title), out),
    element('div', { class: 'sheet-body' }, ...content));
  return dialog;
}

/** Opens a modal dialog that leaves the page when it closes. */
function open(attributes, ...content) {
  const dialog = /** @type {HTMLDialogElement} */ (
    element('dialog', attributes, ...content, ...regions()));
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

/** Opens a small dialog, whose content has the button to cancel.
 * @param {{ title: string, role?: string }} about
 * @param {...(Node | string)} content */
export function openQuestion({ title, role }, ...content) {
  return open({ class: 'sheet is-small', role, 'aria-label': title },
    element('div', { class: 'sheet-body' }, element('h2', { dir: 'auto' }, title), ...content));
}

/** Asks for confirmation of what can't be undone.
 * @returns {Promise<boolean>} */
export function confirmed(question, yes) {
  return new Promise((resolve) => {
    let answer = false;
    const choose = (is) => () => {
      answer = is;
      dialog.close();
    };
    const dialog = openQuestion({ title: question, role: 'alertdialog' },
      element('p', { class: 'choices' },
        element('button', { type: 'button', class: 'button is-quiet', onclick: choose(false), autofocus: true }, 'Cancel'),
        element('button', { type: 'button', class: 'button is-loss', onclick: choose(true) }, yes)));
    dialog.addEventListener('close', () => resolve(answer));
  });
}

/** Asks before a form acts, if its button has a question: `data-ask`. */
export function watchQuestions() {
  const answered = new WeakSet();
  document.addEventListener('submit', async (event) => {
    const { target: form, submitter } = event;
    const { ask } = submitter?.dataset ?? {};
    if (!ask || answered.delete(submitter)) return;
    event.preventDefault();
    event.stopPropagation();
    if (!await confirmed(ask, submitter.textContent)) return;
    answered.add(submitter);
    form.requestSubmit(submitter);
  }, { capture: true });
}

/** Calls `open` with a module once it is loaded. */
export async function withModule(loading, open) {
  const module = await loading.catch(() => null);
  if (module) open(module);
  else say('This could not be loaded. Try again.');
}
