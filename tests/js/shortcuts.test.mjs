import assert from 'node:assert';
import { test } from 'node:test';
import { SHORTCUTS, actOf, keyNames, keysOf } from '../../static/js/lib/shortcuts.js';

/** Returns a key press, such as `Ctrl+Alt+N`, of an English keyboard. */
function press(keys, { key = keys.split('+').at(-1), code = null, isAltGraph = false } = {}) {
  const isPressed = (name) => keys.split('+').includes(name);
  return {
    ctrlKey: isPressed('Ctrl'),
    metaKey: isPressed('Meta'),
    altKey: isPressed('Alt'),
    shiftKey: isPressed('Shift'),
    key,
    code: code ?? (/^[a-z]$/iu.test(key) ? `Key${key.toUpperCase()}` : key),
    getModifierState: () => isAltGraph,
  };
}

test('each shortcut is found by its keys', () => {
  for (const { keys, act } of SHORTCUTS.filter((one) => one.act)) {
    for (const each of keys) assert.equal(actOf(press(each)), act, each);
  }
  assert.equal(new Set(SHORTCUTS.flatMap(({ act, keys }) => (act ? keys : []))).size,
    SHORTCUTS.flatMap(({ act, keys }) => (act ? keys : [])).length);
});

test('keys of other layouts and systems are found', () => {
  assert.equal(actOf(press('Meta+k')), 'search');
  // German keyboards have these signs on the second level.
  assert.equal(actOf(press('Shift+7', { key: '/', code: 'Digit7' })), 'search');
  assert.equal(actOf(press('Shift+ß', { key: '?', code: 'Minus' })), 'help');
  // A Mac's Alt turns a letter into another sign.
  assert.equal(actOf(press('Ctrl+Alt+n', { key: '˜', code: 'KeyN' })), 'new');
  assert.equal(actOf(press('Ctrl+k', { key: 'л', code: 'KeyK' })), 'search');
});

test('typing is no shortcut', () => {
  for (const keys of ['k', 'Shift+K', 'Alt+k', 'ArrowUp', 'ArrowDown', 'Shift+ArrowDown', 'Enter', 'Ctrl+Alt+E']) {
    assert.equal(actOf(press(keys)), undefined, keys);
  }
  // AltGr and N is a letter on Polish keyboards.
  assert.equal(actOf(press('Ctrl+Alt+n', { key: 'ń', code: 'KeyN', isAltGraph: true })), undefined);
});

test('keys have names', () => {
  assert.equal(keyNames(keysOf('unread')).at(-1), '↓');
  assert.equal(keyNames(keysOf('new')).at(-1), 'N');
});
