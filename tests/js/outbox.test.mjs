import assert from 'node:assert';
import { test } from 'node:test';
import { delay } from '../../static/js/state/backoff.js';
import { Outbox } from '../../static/js/state/outbox.js';
import { frame } from './frames.mjs';

const add = (outbox, client_id, at, conversation_id = 7) =>
  outbox.add({ client_id, conversation_id, text: client_id }, at);
const names = (items) => items.map(({ client_id }) => client_id);

test('messages of one conversation are sent in order', () => {
  const outbox = new Outbox();
  add(outbox, 'a', 1);
  add(outbox, 'b', 2);
  add(outbox, 'c', 3, 8);
  assert.deepEqual(names(outbox.due(10)), ['a', 'c']);
  outbox.sending('a', 10);
  assert.deepEqual(names(outbox.due(11)), ['c']);
  outbox.acknowledged('a');
  assert.deepEqual(names(outbox.due(12)), ['b', 'c']);
});

test('unacknowledged message is sent again with its client id', () => {
  const outbox = new Outbox();
  add(outbox, 'a', 0);
  outbox.sending('a', 0);
  assert.deepEqual(names(outbox.due(9_999)), []);
  assert.deepEqual(names(outbox.due(10_000)), ['a']);
  outbox.sending('a', 10_000);
  outbox.lost();
  assert.deepEqual(names(outbox.due(10_001)), ['a']);
});

test('refusals are final or temporary', async () => {
  const outbox = new Outbox();
  add(outbox, 'e', 0);
  add(outbox, 'f', 1);
  outbox.sending('e', 0);
  outbox.refused('e', await frame('error'), 5, 0);
  const [failed] = outbox.of(7);
  assert.equal(failed.state, 'failed');
  assert.match(failed.why, /connected/u);
  assert.deepEqual(names(outbox.due(6)), ['f']);
  outbox.refused('f', { code: 'rate_limited', retry_after: 3 }, 10, 0);
  assert.deepEqual(names(outbox.due(3_009)), []);
  assert.deepEqual(names(outbox.due(3_010)), ['f']);
  outbox.retry('e');
  assert.deepEqual(names(outbox.due(3_010)), ['e']);
});

test('outbox is stored and continues after a reload', () => {
  const kept = new Map();
  const keep = (item, isGone) =>
    (isGone ? kept.delete(item.client_id) : kept.set(item.client_id, { ...item }));
  const first = new Outbox([], keep);
  add(first, 'a', 1);
  add(first, 'b', 2);
  first.sending('a', 3);
  const second = new Outbox([...kept.values()].reverse(), keep);
  assert.deepEqual(names(second.items), ['a', 'b']);
  assert.deepEqual(names(second.due(4)), ['a']);
  second.acknowledged('a');
  second.acknowledged('b');
  assert.equal(kept.size, 0);
});

test('message that another tab has dropped is forgotten without a report', () => {
  const gone = [];
  const outbox = new Outbox([], (item, isGone) => isGone && gone.push(item.client_id));
  for (const [at, name] of ['a', 'b'].entries()) add(outbox, name, at);
  assert.equal(outbox.forget('a').client_id, 'a');
  assert.equal(outbox.forget('a'), null);
  assert.deepEqual([names(outbox.due(6)), gone], [['b'], []]);
});

test('message found in the history is acknowledged', () => {
  const gone = [];
  const outbox = new Outbox([], (item, isGone) => isGone && gone.push(item.client_id));
  for (const [at, name] of ['a', 'b', 'c'].entries()) add(outbox, name, at);
  outbox.sending('a', 5);
  outbox.found([
    { client_id: 'a', sender: { id: 1 } },
    { client_id: 'b', sender: { id: 2 } },
    { client_id: null, sender: { id: 1 } },
  ], { id: 1 });
  assert.deepEqual(gone, ['a']);
  assert.deepEqual(names(outbox.due(6)), ['b'], 'another user may have used the same client id');
});

test('delay grows to 20 s with jitter', () => {
  assert.equal(delay(0, 0.5), 0);
  assert.ok(delay(1, 0) >= 250 && delay(1, 1) <= 500);
  assert.equal(delay(30, 1), 20_000);
  assert.equal(delay(30, 0), 10_000);
});
