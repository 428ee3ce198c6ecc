import assert from 'node:assert';
import { test } from 'node:test';
import { Reconnects, delay } from '../../static/js/state/backoff.js';

/** Returns the delays of an outage, each as long as `random` makes it. */
function delays(random, duration) {
  const all = [];
  let elapsed = 0;
  while (elapsed < duration) {
    all.push({ elapsed, wait: delay(all.length, random, elapsed) });
    // An attempt takes a moment, too.
    elapsed += all.at(-1).wait + 10;
  }
  return all;
}

test('first attempt has no delay', () => {
  assert.equal(delay(0, 0.9, 0), 0);
  assert.equal(delay(-1, 0.9, 90_000), 0);
});

test('delays stay within 3 s for the first minute, then within 20 s', () => {
  for (const random of [0, 0.5, 1]) {
    const all = delays(random, 300_000);
    const early = all.filter(({ elapsed }) => elapsed < 60_000).map(({ wait }) => wait);
    const late = all.filter(({ elapsed }) => elapsed >= 60_000).map(({ wait }) => wait);
    assert.ok(Math.max(...early) <= 3_000);
    assert.ok(Math.max(...early) >= 1_500);
    assert.ok(Math.max(...late) <= 20_000);
    assert.ok(Math.min(...late) >= 10_000);
  }
});

test('delays have jitter', () => {
  for (const elapsed of [0, 59_000, 120_000]) {
    assert.ok(delay(9, 1, elapsed) >= 2 * delay(9, 0, elapsed));
  }
});

test('server that closes each accepted connection is not hammered', () => {
  const reconnects = new Reconnects();
  const waits = [];
  let now = 0;
  for (let at = 0; at < 8; at += 1) {
    waits.push(reconnects.closed(now, 0));
    now += waits.at(-1) + 50;
    reconnects.opened(now);
    now += 50;
  }
  assert.equal(waits[0], 0);
  assert.ok(waits.slice(1).every((wait) => wait >= 250), String(waits));
  assert.ok(waits.at(-1) >= 1_500, String(waits));
});

test('delays start anew after a connection that lasted', () => {
  const reconnects = new Reconnects();
  for (const now of [0, 1_000, 2_000]) reconnects.closed(now, 1);
  reconnects.opened(3_000);
  assert.equal(reconnects.closed(13_000, 1), 0);
  for (const now of [14_000, 15_000]) reconnects.closed(now, 1);
  reconnects.reset();
  assert.equal(reconnects.closed(16_000, 1), 0);
});
