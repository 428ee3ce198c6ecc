import assert from 'node:assert';
import { test } from 'node:test';

import { inOrder } from '../../static/js/sheets/heir.js';

const member = (id, role, joined) => ({ user: { id }, role, joined_at: `2026-01-0${joined}T00:00:00Z` });

test('admins precede members, and longer membership shorter', () => {
  const members = [member(1, 'member', 1), member(2, 'admin', 3), member(3, 'admin', 2), member(4, 'member', 1)];
  assert.deepEqual(inOrder(members).map(({ user }) => user.id), [3, 2, 1, 4]);
});
