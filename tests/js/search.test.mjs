import assert from 'node:assert';
import { test } from 'node:test';
import { fits, searchKey } from '../../static/js/lib/text.js';

test('search key ignores case and Unicode form', () => {
  for (const [one, other] of [
    ['İzmir', 'izmir'],
    ['Caf\u00e9', 'cafe\u0301'],
    ['Straße', 'STRASSE'],
    ['Rock’n’Roll', "rock'n'roll"],
    ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
    ['ﬁn', 'FIN'],
    ['so\u00adft', 'soft'],
  ]) {
    assert.equal(searchKey(one), searchKey(other), `${one} and ${other}`);
  }
  assert.ok(searchKey('Ann') !== searchKey('Änn'));
});

test('each typed word matches the beginning of a word', () => {
  assert.ok(fits('Red Panda', 'red_panda Red Panda'));
  assert.ok(fits('pan red', 'Red Panda'));
  assert.ok(fits('@anna', 'anna-maria Anna'));
  assert.ok(fits('maria', 'Anna-Maria'));
  assert.ok(!fits('anda', 'Red Panda'));
  assert.ok(!fits('red fox', 'Red Panda'));
  assert.ok(fits('', 'Red Panda'));
});
