import assert from 'node:assert';
import { test } from 'node:test';
import { Claims } from '../../static/js/lib/claims.js';

/** Returns tabs whose messages arrive when `deliver` is called. */
function tabs(count) {
  const waiting = [];
  const all = Array.from({ length: count }, (_, at) =>
    new Claims(at, (message) => waiting.push([at, message])));
  const deliver = (now = 0) => {
    while (waiting.length) {
      const [from, message] = waiting.shift();
      all.forEach((one, at) => at !== from && one.receive(message, now));
    }
  };
  return { all, deliver };
}

test('one of several tabs wins a claim', () => {
  for (const count of [1, 2, 5]) {
    const { all, deliver } = tabs(count);
    const claims = all.map((one) => one.claim('sound.1', 0, 30_000));
    deliver();
    const won = all.filter((one, at) => one.decide(claims[at]));
    assert.equal(won.length, 1, `${count} tabs`);
  }
});

test('late tab loses to the winner, whatever its number', () => {
  for (const [early, late] of [[0, 1], [1, 0]]) {
    const { all, deliver } = tabs(2);
    const first = all[early].claim('sound.1', 0, 30_000);
    assert.ok(all[early].decide(first));
    // The late tab claims before the first claim reaches it.
    const second = all[late].claim('sound.1', 100, 30_000);
    deliver(100);
    assert.ok(!all[late].decide(second));
    assert.equal(all[late].claim('sound.1', 200, 30_000), null);
    // The claim ends in time.
    assert.ok(all[late].decide(all[late].claim('sound.1', 40_000, 30_000)));
  }
});

test('second claim of a tab changes nothing about its first', () => {
  const { all: [one] } = tabs(1);
  const first = one.claim('chime', 0, 1_000);
  assert.equal(one.claim('chime', 10, 1_000), null);
  assert.ok(one.decide(first));
});

test('tab learns that another one holds a name', () => {
  const { all: [one, two], deliver } = tabs(2);
  two.held = 'front.7';
  for (const name of ['front.7', 'front.8']) one.ask(name);
  deliver();
  assert.ok(one.isHeld('front.7'));
  assert.ok(!one.isHeld('front.8'));
  assert.ok(two.isHeld('front.7'));
  two.held = null;
  one.ask('front.7');
  deliver();
  assert.ok(!one.isHeld('front.7'));
});

test('released claim is free for all tabs', () => {
  const { all: [one, two], deliver } = tabs(2);
  assert.ok(one.decide(one.claim('chime', 0, 1_000)));
  deliver();
  assert.equal(two.claim('chime', 10, 1_000), null);
  one.release('chime');
  deliver();
  assert.ok(two.decide(two.claim('chime', 20, 1_000)));
});
