/** The behaviour of the admin pages: tabs and copy buttons. */
import { goLive } from './live.js';

goLive();

// Narrow screens show only some of the tabs: scroll to the current one.
const tabs = document.querySelector('.tabs');
const current = tabs?.querySelector('[aria-current]');
if (current) {
  const middle = current.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
  tabs.scrollLeft = middle - tabs.offsetLeft;
}

/** Copies a field's text. Without HTTPS there is no clipboard API: then
 * the selected text is copied. */
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand('copy');
  }
}

for (const button of document.querySelectorAll('[data-copies]')) {
  const field = document.getElementById(button.dataset.copies);
  const said = button.parentElement.querySelector('[role="status"]');
  button.addEventListener('click', async () => {
    said.textContent = (await copy(field)) ? 'Copied.' : 'Select the link and copy it.';
  });
}
