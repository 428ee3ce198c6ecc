import assert from 'node:assert';
import { test } from 'node:test';
import { Seen } from '../../static/js/state/seen.js';

const message = (seq, conversation = 7) => ({ conversation_id: conversation, id: 100 + seq, seq });
const shown = (marks) => marks.map(({ type, conversation_id: id, seq }) => `${type} ${id} ${seq}`);

test('mark is sent once', () => {
  const seen = new Seen();
  seen.reach('delivered', message(3));
  seen.reach('delivered', message(2));
  assert.deepEqual(shown(seen.take()), ['delivered 7 3']);
  seen.reach('delivered', message(3));
  assert.deepEqual(seen.take(), []);
});

test('unconfirmed mark is sent again after a lost connection', () => {
  const seen = new Seen();
  seen.reach('delivered', message(3));
  seen.reach('read_receipt', message(2));
  seen.reach('read_receipt', message(9, 8));
  seen.take();
  seen.known('read_receipt', 8, 9);
  seen.lost();
  assert.deepEqual(shown(seen.take()), ['delivered 7 3', 'read_receipt 7 2']);
  seen.known('delivered', 7, 3);
  seen.known('read_receipt', 7, 2);
  seen.lost();
  assert.deepEqual(seen.take(), []);
});

test('newer mark replaces a lost one', () => {
  const seen = new Seen();
  seen.reach('read_receipt', message(2));
  seen.take();
  seen.reach('read_receipt', message(5));
  seen.lost();
  assert.deepEqual(shown(seen.take()), ['read_receipt 7 5']);
});

test('read mark includes the delivered one', () => {
  const seen = new Seen();
  seen.reach('delivered', message(4));
  seen.reach('read_receipt', message(4));
  assert.deepEqual(shown(seen.take()), ['read_receipt 7 4']);
  seen.known('read_receipt', 7, 4);
  seen.lost();
  assert.deepEqual(seen.take(), []);
  seen.reach('delivered', message(4));
  assert.deepEqual(seen.take(), []);
});

test('refused mark is put back unless a newer one was sent', () => {
  const seen = new Seen();
  seen.reach('delivered', message(2));
  const [first] = seen.take();
  seen.untold(first);
  assert.deepEqual(shown(seen.take()), ['delivered 7 2']);
  seen.reach('delivered', message(6));
  seen.take();
  seen.known('delivered', 7, 6);
  seen.untold(first);
  assert.deepEqual(seen.take(), []);
});
