/** The keyboard shortcuts: one table for the handler, the menus and the help. */

const isMac = /Mac|iPhone|iPad/u.test(globalThis.navigator?.platform ?? '');

/**
 * Keys are joined by `+`, in the order Ctrl, Alt, Shift. An entry without `act`
 * is handled by the element that has the focus.
 * @type {{ group: string, keys: string[], text: string, act?: string }[]}
 */
export const SHORTCUTS = [
  { group: 'Chats', keys: ['Ctrl+K', '/'], text: 'Search', act: 'search' },
  { group: 'Chats', keys: ['Ctrl+Alt+N'], text: 'New chat', act: 'new' },
  { group: 'Chats', keys: ['Alt+ArrowUp'], text: 'Previous chat', act: 'previous' },
  { group: 'Chats', keys: ['Alt+ArrowDown'], text: 'Next chat', act: 'next' },
  { group: 'Chats', keys: ['Alt+Shift+ArrowDown'], text: 'Next unread chat', act: 'unread' },
  { group: 'Open chat', keys: ['Ctrl+Alt+Shift+E'], text: 'Archive, or unarchive', act: 'archive' },
  { group: 'Open chat', keys: ['Ctrl+Alt+Shift+M'], text: 'Mute, or unmute', act: 'mute' },
  { group: 'Open chat', keys: ['Ctrl+Alt+Shift+P'], text: 'Pin, or unpin', act: 'pin' },
  { group: 'Messages', keys: ['Enter'], text: 'Send' },
  { group: 'Messages', keys: ['Shift+Enter'], text: 'Start a new line' },
  { group: 'Messages', keys: ['ArrowUp'], text: 'Edit your last message, if the field is empty' },
  { group: 'Messages', keys: ['Enter', 'Menu'], text: 'Open the menu of a message' },
  { group: 'Everywhere', keys: ['ArrowUp', 'ArrowDown'], text: 'Move in a list' },
  { group: 'Everywhere', keys: ['Escape'], text: 'Close, cancel or go back' },
  { group: 'Everywhere', keys: ['?'], text: 'Show this help', act: 'help' },
];

const SIGNS = { ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc' };
const MAC_SIGNS = { Alt: 'Option', Ctrl: 'Control' };

/** Returns the names of the keys to press together, as the keyboard has them. */
export const keyNames = (keys) => keys.split('+').map((key) => {
  if (isMac && keys === 'Ctrl+K' && key === 'Ctrl') return '⌘';
  return SIGNS[key] ?? (isMac ? MAC_SIGNS[key] : null) ?? key;
});

/** Returns the keys of an act. */
export const keysOf = (act) => SHORTCUTS.find((one) => one.act === act).keys[0];

/** Returns the act of a key press, or undefined.
 * @param {KeyboardEvent} event */
export function actOf(event) {
  // On many keyboards, AltGr types characters and counts as Ctrl and Alt.
  if (event.getModifierState('AltGraph')) return undefined;
  const isCommand = event.ctrlKey || event.metaKey;
  const isLetter = /^Key[A-Z]$/u.test(event.code) && (isCommand || event.altKey);
  const key = isLetter ? letterOf(event) : event.key;
  // A sign such as `?` may need Shift.
  const isSign = key.length === 1 && !isLetter;
  const pressed = [isCommand && 'Ctrl', event.altKey && 'Alt', event.shiftKey && !isSign && 'Shift', key]
    .filter(Boolean).join('+');
  return SHORTCUTS.find(({ act, keys }) => act && keys.includes(pressed))?.act;
}

/** Returns the letter of a layout, or of the key if Alt makes it another sign. */
const letterOf = ({ key, code }) => (/^[a-z]$/iu.test(key) ? key : code.slice(-1)).toUpperCase();
