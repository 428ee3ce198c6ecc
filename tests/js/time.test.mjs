import assert from 'node:assert';
import { test } from 'node:test';
import { ago, englishTimes, lastSeen, listed } from '../../static/js/lib/time.js';

const at = (...parts) => new Date(2026, 10, ...parts).getTime();
const now = at(21, 20, 24, 25);

test('list shows the age of recent messages', () => {
  assert.equal(listed(at(21, 20, 24), now), 'now');
  assert.equal(listed(at(21, 20, 30), now), 'now', 'the clocks differ');
  assert.equal(listed(at(21, 20, 19), now), '5 min');
  assert.match(listed(at(21, 19, 24), now), /7:24|19:24/u);
  assert.equal(listed(at(20, 23, 59), now), 'Yesterday');
  assert.equal(listed(at(20, 23, 50), at(21, 0, 10)), '20 min');
  assert.ok(!/Yesterday|min|:/u.test(listed(at(19, 23, 59), now)));
});

test('days and digits are English in every locale', () => {
  const now = at(21, 20, 24);
  for (const [locale, hours] of [
    ['de', 'h23'], ['fa', 'h23'], ['ar-EG', 'h12'], ['en-US', 'h12'], ['en-GB', 'h23'],
    ['en-US-u-nu-arab', 'h12'],
  ]) {
    const { locale: used, hourCycle } = englishTimes(locale);
    assert.match(used, /^en/u, locale);
    assert.equal(hourCycle, hours, locale);
    const format = new Intl.DateTimeFormat(used, { dateStyle: 'full', timeStyle: 'short', hourCycle });
    assert.match(format.format(now), /^[\x20-\x7e\u202f]*$/u, locale);
  }
  assert.equal(englishTimes('en-US').locale, 'en-US', 'the order of an English locale stays');
});

test('times get less exact with their age', () => {
  assert.equal(ago(at(21, 20, 24), now), 'just now');
  assert.equal(ago(at(21, 20, 19), now), '5 minutes ago');
  assert.match(ago(at(21, 14, 5), now), /^today at (14:05|2:05.pm)$/iu);
  assert.match(ago(at(20, 14, 5), now), /^yesterday at /u);
  assert.equal(ago(at(18, 14, 5), now), 'Wednesday');
  assert.equal(lastSeen(at(18, 14, 5), now), 'last seen Wednesday');
});
