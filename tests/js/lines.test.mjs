import assert from 'node:assert';
import { test } from 'node:test';
import { firstOf, withoutMargins } from '../../static/js/lib/text.js';

test('leading blank lines and trailing white space are removed', () => {
  const code = '    def f():\n        pass';
  assert.equal(withoutMargins(code), code);
  assert.equal(withoutMargins(`\n \t\r\n${code} \n\n`), code);
  assert.equal(withoutMargins(' one\n\n two '), ' one\n\n two');
  assert.equal(withoutMargins('\ta'), '\ta');
  for (const empty of ['', ' ', '\n', ' \n\t\u00a0\u2028 ']) assert.equal(withoutMargins(empty), '');
});

test('lone surrogates are replaced', () => {
  assert.equal(withoutMargins('a\ud83d'), 'a\ufffd');
  assert.equal(withoutMargins('\udc00 😀'), '\ufffd 😀');
});

test('texts are cut between characters', () => {
  assert.equal(firstOf('a😀b', 2), 'a😀');
  assert.equal(firstOf('😀😀', 1), '😀');
  assert.equal(firstOf('ab', 5), 'ab');
  assert.equal(firstOf('', 3), '');
  for (const [text, cut] of [['ab🇩🇪', 'ab'], ['a🇩🇪b', 'a🇩🇪'], ['abe\u0301', 'ab'], ['abcd', 'abc'],
    ['👩\u200d👩\u200d👧', '👩\u200d👩']]) assert.equal(firstOf(text, 3), cut);
});
