/** The dialog that lists all keyboard shortcuts. */
import { element } from '../lib/dom.js';
import { SHORTCUTS, keyNames } from '../lib/shortcuts.js';
import { openDialog } from '../view/dialog.js';

export function openHelp() {
  const groups = Map.groupBy(SHORTCUTS, ({ group }) => group);
  const dialog = openDialog('Keyboard shortcuts', ...[...groups].map(([name, shortcuts]) =>
    element('section', {},
      element('h3', { class: 'heading' }, name),
      element('dl', { class: 'shortcuts' }, ...shortcuts.map(row)))));
  dialog.classList.add('is-middle');
}

const row = ({ keys, text }) => element('div', {},
  element('dt', {}, text),
  element('dd', {}, ...keys.flatMap((each, at) => [at > 0 && ' or ', ...combination(each)])));

/** Returns the keys to press together. */
const combination = (keys) => keyNames(keys).flatMap((key, at) => [at > 0 && ' ', element('kbd', {}, key)]);
