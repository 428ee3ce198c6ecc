import assert from 'node:assert';
import { test } from 'node:test';
import { listed } from '../../static/js/lib/time.js';

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
