/** What the admins' pages do beside showing themselves. */

// On a narrow screen the tabs are one line, of which a part is seen.
const tabs = document.querySelector('.tabs');
const current = tabs?.querySelector('[aria-current]');
if (current) {
  const middle = current.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
  tabs.scrollLeft = middle - tabs.offsetLeft;
}

/** Only a safe page may write to the clipboard; any may copy what is chosen. */
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
    said.textContent = (await copy(field)) ? 'Copied.' : 'Choose it and copy it by hand.';
  });
}
