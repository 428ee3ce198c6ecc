import assert from 'node:assert';
import { test } from 'node:test';
import { alike, both, called, isolated, lookOf } from '../../static/js/lib/names.js';

const url = new URL('../fixtures/looks.json', import.meta.url);
/** The server's look of each ASCII character. */
const looks = async () => (url.protocol === 'file:'
  ? JSON.parse(await (await import('node:fs/promises')).readFile(url, 'utf8'))
  : (await fetch(url)).json());

const user = (id, name, look) => ({ id, username: `user${id}`, display_name: name, look });

test('look of ASCII matches the server', async () => {
  const known = await looks();
  for (let code = 0x21; code < 0x7f; code += 1) {
    const sign = String.fromCharCode(code);
    assert.equal(lookOf(user(1, sign)), known[sign] ?? sign);
  }
  assert.equal(lookOf(user(1, ' Ann   Lee ')), 'Ann Lee');
  assert.equal(lookOf(user(1, '\u0410nn', 'Ann')), 'Ann');
});

test('similar names and reserved names are found', () => {
  const found = (...users) => [...alike(users)].sort((one, two) => one - two);
  assert.deepEqual(found(user(1, 'Ann'), user(2, 'Ben'), user(1, 'Ann')), []);
  assert.deepEqual(found(user(1, 'Ann'), user(2, 'Ben'), user(3, 'Ann')), [1, 3]);
  assert.deepEqual(found(user(1, 'Alice'), user(2, 'AIice'), user(3, 'A1ice')), [1, 2, 3]);
  assert.deepEqual(found(user(1, 'Ann'), user(2, '\u0410nn', 'Ann')), [1, 2]);
  for (const name of ['You', 'you', 'Owner', 'ADMIN', 'admin', 'member']) {
    assert.deepEqual(found(user(1, 'Ann'), user(2, name)), [2]);
  }
});

test('names are isolated, and questions add the username', () => {
  assert.equal(isolated('Ann\u202e'), '\u2068Ann\u2069');
  assert.equal(both(user(1, 'Ann')), '\u2068Ann\u2069 (@user1)');
  assert.equal(called(user(1, 'Ann'), true), 'Ann @user1');
  assert.equal(called(user(1, 'Ann'), false), 'Ann');
});
