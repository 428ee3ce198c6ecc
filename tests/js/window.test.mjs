import assert from 'node:assert';
import { test } from 'node:test';

import { rowsInView } from '../../static/js/lib/window.js';

const view = { count: 1000, height: 56, room: 560 };

test('short list is drawn whole', () => {
  assert.deepEqual(rowsInView({ ...view, count: 60, top: 9000 }), { from: 0, to: 60 });
});

test('long list is drawn around the view', () => {
  assert.deepEqual(rowsInView({ ...view, top: 0 }), { from: 0, to: 18 });
  assert.deepEqual(rowsInView({ ...view, top: 5600 }), { from: 92, to: 118 });
  assert.deepEqual(rowsInView({ ...view, top: 999 * 56 }), { from: 991, to: 1000 });
});

test('list out of view keeps its bounds', () => {
  assert.deepEqual(rowsInView({ ...view, top: -5600 }), { from: 0, to: 0 });
  const { from, to } = rowsInView({ ...view, top: 99_999 });
  assert.ok(from <= to && to <= 1000, `${from} to ${to}`);
});
