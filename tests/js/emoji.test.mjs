import assert from 'node:assert';
import { test } from 'node:test';
import { beside, sought } from '../../static/js/lib/emoji.js';

const SHELVES = [
  { name: 'Faces', emoji: [
    { sign: '😀', words: 'grinning face' }, { sign: '😢', words: 'crying face, cry' },
  ] },
  { name: 'Travel', emoji: [{ sign: '🚀', words: 'rocket' }, { sign: '🛶', words: 'canoe' }] },
];
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
