import assert from 'node:assert';
import { test } from 'node:test';
import { hue, initials } from '../../static/js/lib/names.js';
import { uuid7 } from '../../static/js/net/outbox.js';
import { pieces } from '../../static/js/lib/links.js';
import { layout } from '../../static/js/state/layout.js';
import { OwnTyping } from '../../static/js/state/typing.js';
import { frame, messages } from './frames.mjs';

const { message } = await frame('message');
const { conversation } = await frame('conversation');
const [ANN, BEN] = conversation.participants.map(({ user }) => user);
const dayOf = (at) => new Date(at).toISOString().slice(0, 10);
const at = (time) => ({ created_at: `2026-11-${time}.000Z` });

test('messages are grouped by day and by sender', () => {
  const [a, b, c, d] = messages(message, 1, 4);
  const all = [
    { ...a, ...at('20T23:58:00') }, { ...b, ...at('20T23:59:00') },
    { ...c, ...at('21T00:01:00') }, { ...d, ...at('21T00:07:00') },
  ];
  const days = layout(all, [], { me: BEN, conversation, line: null, dayOf });
  assert.deepEqual(days.map(({ key }) => key), ['2026-11-20', '2026-11-21']);
  const firsts = days.flatMap(({ items }) => items.map(({ isFirst }) => isFirst));
  assert.deepEqual(firsts, [true, false, true, true]);
});

test('unread line precedes the first new message of another user', () => {
  const all = messages(message, 1, 4).map((one) => ({ ...one, sender: one.seq === 3 ? BEN : ANN }));
  const seen = { me: BEN, conversation, line: { after: 2, count: 1 }, dayOf };
  const [day] = layout(all, [], seen);
  assert.deepEqual(day.items.map(({ kind }) => kind), ['message', 'message', 'message', 'unread', 'message']);
});

test('waiting message that the history has is shown once', () => {
  const waiting = { client_id: 'x', text: 'Hi', created_at: Date.parse(message.created_at), state: 'sending' };
  const seen = { me: ANN, conversation, line: null, dayOf };
  const [day] = layout([{ ...message, client_id: 'x' }], [waiting], seen);
  assert.deepEqual(day.items.map(({ kind }) => kind), ['message']);
});

test('waiting message keeps its place after its echo', () => {
  const waiting = { client_id: 'x', text: 'Hi', created_at: Date.parse(message.created_at), state: 'waiting' };
  const seen = { me: ANN, conversation, line: null, dayOf };
  const [before] = layout([], [waiting], seen);
  const [after] = layout([{ ...message, client_id: 'x' }], [], seen);
  assert.equal(before.items[0].key, after.items[0].key);
  assert.deepEqual([before.items[0].status, after.items[0].status], ['waiting', 'read']);
});

test('links are only HTTP URLs, and text stays complete', () => {
  const links = (text) => {
    const all = pieces(text);
    assert.equal(all.map((part) => part.text).join(''), text);
    return all.filter(({ isLink }) => isLink).map((part) => part.text);
  };
  assert.deepEqual(links('see https://example.org/a?b=c.'), ['https://example.org/a?b=c']);
  assert.deepEqual(links('(HTTP://example.org)'), ['HTTP://example.org']);
  assert.deepEqual(links('https://a.example/x_(y)'), ['https://a.example/x_(y)']);
  assert.deepEqual(links('javascript:alert(1) data:text/html,hi ftp://a.example http://'), []);
  assert.deepEqual(links('https://a.example/"onclick=x'), ['https://a.example/']);
  assert.deepEqual(links('https://a.example/<b>'), ['https://a.example/']);
});

test('avatars match those of the server', () => {
  const drawn = ['Mara', 'Ana de la Cruz', '(The) #team', 'éva ünal', '', '🇩🇪 Team',
    '👩‍👩‍👧 e\u0301va', 'ßeta'].map(initials);
  assert.deepEqual(drawn, ['M', 'AC', 'TT', 'ÉÜ', '', '🇩🇪T', '👩‍👩‍👧E\u0301', 'ß']);
  const hues = new Set(Array.from({ length: 200 }, (_, n) => hue(`name ${n}`)));
  assert.equal(hues.size, 12);
});

test('client ids ascend with time', () => {
  const names = [1, 2, 1_800_000_000_000].map((now) => uuid7(now));
  assert.deepEqual([...names].sort(), names);
  for (const name of names) assert.match(name, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u);
});

test('typing is sent at the first key, then every 3 s, and ends after 1 s', () => {
  const typing = new OwnTyping();
  assert.equal(typing.key(0), true);
  assert.equal(typing.key(500), false);
  assert.equal(typing.tick(1_400), false);
  assert.equal(typing.key(2_000), false);
  assert.equal(typing.key(3_000), true);
  assert.equal(typing.tick(3_999), false);
  assert.equal(typing.tick(4_000), true);
  assert.equal(typing.tick(9_000), false);
  assert.equal(typing.key(9_000), true);
  typing.sent();
  assert.equal(typing.stop(), false);
});
