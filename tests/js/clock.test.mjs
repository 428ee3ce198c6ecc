import assert from 'node:assert';
import { test } from 'node:test';
import { compareClock, now, setClock, wake } from '../../static/js/lib/clock.js';

const DAY = 86_400_000;
const SERVER = Date.parse('2026-12-01T12:00:00Z');
const isNear = (time, expected) => Math.abs(time - expected) < 2_000;

/** Runs `act` on a device whose clock is set by `later` milliseconds. */
function withClock(later, act) {
  const real = Date.now;
  Date.now = () => real() + later;
  try {
    act();
  } finally {
    Date.now = real;
  }
}

test('device clock that is set forward is no sleep', () => {
  setClock(SERVER);
  withClock(DAY, () => {
    assert.ok(isNear(wake(), DAY));
    // The server answers with its own date.
    compareClock(SERVER, now(), now());
    assert.ok(isNear(now(), SERVER));
    // It is compared once: the clock was set once.
    assert.ok(wake() < 1_000);
    assert.ok(isNear(now(), SERVER));
  });
});

test('sleep is added, and the date of the server confirms it', () => {
  setClock(SERVER);
  withClock(DAY, () => {
    wake();
    compareClock(SERVER + DAY, now(), now());
    assert.ok(isNear(now(), SERVER + DAY));
  });
});

test('device clock that is set back changes nothing', () => {
  setClock(SERVER);
  withClock(-DAY, () => {
    assert.equal(wake(), 0);
    assert.ok(isNear(now(), SERVER));
  });
});

test('slow response changes nothing', () => {
  setClock(SERVER);
  compareClock(SERVER - 15_000, SERVER - 16_000, SERVER);
  assert.ok(isNear(now(), SERVER));
  compareClock(Number.NaN, SERVER, SERVER);
  assert.ok(isNear(now(), SERVER));
});
