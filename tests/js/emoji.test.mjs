import assert from 'node:assert';
import { test } from 'node:test';
import { isLarge } from '../../static/js/lib/emoji.js';
import { beside, sought, toned } from '../../static/js/sheets/emoji_list.js';

const SHELVES = [
  { name: 'Faces', emoji: [
    { sign: '😀', words: 'grinning face' }, { sign: '😢', words: 'crying face, cry' },
  ] },
  { name: 'Travel', emoji: [{ sign: '🚀', words: 'rocket' }, { sign: '🛶', words: 'canoe' }] },
];
const url = new URL('../fixtures/large_emoji.json', import.meta.url);
/** The cases that also test the server's rule. */
const cases = async () => (url.protocol === 'file:'
  ? JSON.parse(await (await import('node:fs/promises')).readFile(url, 'utf8'))
  : (await fetch(url)).json());

const signs = (shelves) => shelves.map(({ name, emoji }) => [name, ...emoji.map(({ sign }) => sign)]);

test('search finds emoji by the beginnings of words', () => {
  assert.deepEqual(signs(sought(SHELVES, 'fac', [])), [['Faces', '😀', '😢']]);
  assert.deepEqual(signs(sought(SHELVES, ' CRY  face', [])), [['Faces', '😢']]);
  assert.deepEqual(signs(sought(SHELVES, 'c', [])), [['Faces', '😢'], ['Travel', '🛶']]);
  assert.deepEqual(signs(sought(SHELVES, 'ocket', [])), []);
});

test('recently used emoji come first without a search', () => {
  assert.deepEqual(signs(sought(SHELVES, '', ['🛶', '🦖'])), [
    ['Recently used', '🛶'], ['Faces', '😀', '😢'], ['Travel', '🚀', '🛶'],
  ]);
  assert.equal(sought(SHELVES, '', []), SHELVES);
  assert.deepEqual(signs(sought(SHELVES, 'rocket', ['🛶'])), [['Travel', '🚀']]);
});

test('skin tone applies to emoji that have it, and recent ones keep theirs', () => {
  const all = ['👍', '👍🏻', '👍🏼', '👍🏽', '👍🏾', '👍🏿'];
  const shelves = [{ name: 'People', emoji: [
    { sign: '👍', words: 'thumbs up', all }, { sign: '😀', words: 'grinning', all: ['😀'] },
  ] }];
  assert.deepEqual(signs(toned(shelves, 0)), [['People', '👍', '😀']]);
  assert.deepEqual(signs(toned(shelves, 3)), [['People', '👍🏽', '😀']]);
  assert.deepEqual(signs(sought(toned(shelves, 3), '', ['👍🏿', '👍'])), [
    ['Recently used', '👍🏿', '👍'], ['People', '👍🏽', '😀'],
  ]);
});

test('large emoji match the shared table', async () => {
  for (const { text, is_large: expected } of await cases()) {
    assert.deepEqual([text, isLarge(text)], [text, expected]);
  }
});

test('arrow keys move between rows and shelves', () => {
  // Three columns: shelves of 5, 2 and 4 emoji.
  const sizes = [5, 2, 4];
  const go = (place, key) => beside(sizes, place, key, 3);
  assert.deepEqual(go([0, 1], 'ArrowDown'), [0, 4]);
  assert.deepEqual(go([0, 2], 'ArrowDown'), [0, 4], 'the last row is shorter');
  assert.deepEqual(go([0, 4], 'ArrowDown'), [1, 1]);
  assert.deepEqual(go([1, 1], 'ArrowDown'), [2, 1]);
  assert.deepEqual(go([2, 3], 'ArrowDown'), [2, 3], 'the end');
  assert.deepEqual(go([2, 2], 'ArrowUp'), [1, 1]);
  assert.deepEqual(go([1, 0], 'ArrowUp'), [0, 3]);
  assert.equal(go([0, 2], 'ArrowUp'), null);
  assert.deepEqual(go([0, 4], 'ArrowRight'), [1, 0]);
  assert.deepEqual(go([2, 3], 'ArrowRight'), [2, 3]);
  assert.deepEqual(go([1, 0], 'ArrowLeft'), [0, 4]);
  assert.equal(go([0, 0], 'ArrowLeft'), null);
});
