import assert from 'node:assert';
import { test } from 'node:test';
import { Seen } from '../../static/js/state/seen.js';
import { Store } from '../../static/js/state/store.js';
import { frame, messages } from './frames.mjs';

const { conversation } = await frame('conversation');
const { message } = await frame('message');
const ANN = conversation.participants[0].user;
const BEN = conversation.participants[1].user;
const NOW = Date.parse('2026-11-21T20:24:30Z');

const at = (me, { isOpen = true } = {}) => new Store({
  me,
  conversations: [structuredClone(conversation)],
  connections: [],
  total_unread: 1,
  open: isOpen
    ? { conversation: structuredClone(conversation), messages: [conversation.last_message], has_older: false, has_newer: false }
    : null,
});
const next = (change) => ({ type: 'message', conversation_id: 7, message: { ...messages(message, 2, 2)[0], ...change } });

test('message is added once to list and thread', () => {
  const store = at(BEN);
  const frames = next({});
  assert.deepEqual(store.apply(frames, NOW).map(({ kind }) => kind), ['arrived']);
  assert.deepEqual(store.apply(frames, NOW), []);
  const row = store.conversations.get(7);
  assert.deepEqual([row.last_seq, row.unread_count, row.last_message.text], [2, 2, 'Message 2.']);
  assert.deepEqual(store.timelines.get(7).messages.map(({ seq }) => seq), [1, 2]);
});

test('new name replaces the former one everywhere', async () => {
  const store = at({ ...ANN });
  const quoting = { ...messages(message, 2, 2)[0], reply_to: { id: 1, seq: 1, text: '', sender: BEN } };
  const sent = { ...quoting, sender: BEN, reactions: [{ emoji: 'x', count: 1, usernames: [BEN.username] }] };
  store.apply({ type: 'message', conversation_id: 7, message: sent }, NOW);
  const user = { ...BEN, username: 'benjamin', display_name: 'Benjamin' };
  assert.deepEqual(store.apply(await frame('user', { user }), NOW), []);
  const shown = store.timelines.get(7).withId(sent.id);
  assert.deepEqual([shown.sender, shown.reply_to.sender], [user, user]);
  assert.deepEqual(shown.reactions[0].usernames, ['benjamin']);
  const row = store.conversations.get(7);
  assert.equal(store.conversations.title(row), 'Benjamin');
  assert.deepEqual(row.last_message.sender, user);
  store.apply(await frame('user', { user: { ...ANN, display_name: 'Anna' } }), NOW);
  assert.equal(store.me.display_name, 'Anna');
});

test('restored server is noticed once', async () => {
  const store = at(BEN);
  const { reason, ...lost } = await frame('reset', { reason: 'other_history' });
  assert.equal(store.apply({ ...lost, reason }, NOW)[0].kind, 'restored');
  const hello = await frame('hello_unbound', { epoch: 'new' });
  store.apply(hello, NOW);
  assert.equal(store.epoch, undefined, 'the cursors still belong to the old epoch');
  store.apply({ type: 'synced', total_unread: 0, more: false }, NOW);
  assert.equal(store.epoch, 'new');
});

test('rest of a long list is requested', () => {
  const store = at(BEN);
  assert.deepEqual(store.apply({ type: 'synced', total_unread: 0, more: false }, NOW), []);
  const effects = store.apply({ type: 'synced', total_unread: 0, more: true }, NOW);
  assert.deepEqual(effects, [{ kind: 'more' }]);
});

test('unknown conversation has no cursor before it is loaded', () => {
  const store = at(BEN);
  const told = { ...next({}).message, conversation_id: 8 };
  const effects = store.apply({ type: 'message', conversation_id: 8, message: told }, NOW);
  assert.deepEqual(effects, [{ kind: 'unknown', conversation_id: 8, message: told }]);
  assert.ok(!('8' in store.cursors.all()));
  store.apply({ type: 'conversation', conversation: { ...conversation, id: 8, version: 9 } }, NOW);
  assert.equal(store.cursors.get(8), 9);
});

test('gap is reported', () => {
  const store = at(BEN);
  const [late] = messages(message, 4, 4);
  const effects = store.apply({ type: 'message', conversation_id: 7, message: late }, NOW);
  assert.deepEqual(effects.map(({ kind }) => kind), ['arrived', 'gap']);
});

test('ticks follow receipts and never go back', async () => {
  const store = at(ANN);
  const { conversations } = store;
  store.apply(next({}), NOW);
  assert.equal(conversations.ticks(conversations.get(7)), 'sent');
  store.apply(await frame('status'), NOW);
  assert.equal(conversations.ticks(conversations.get(7)), 'delivered');
  store.apply(await frame('read_receipt', { seq: 2 }), NOW);
  assert.equal(conversations.ticks(conversations.get(7)), 'read');
  store.apply(await frame('status', { all_delivered_seq: 1, all_read_seq: 0 }), NOW);
  assert.equal(conversations.ticks(conversations.get(7)), 'read');
});

test('message without recipients stays sent after a join', async () => {
  const store = at(ANN);
  const { conversations } = store;
  const ticks = () => conversations.ticks(conversations.get(7));
  const become = (change) => store.apply(
    { type: 'conversation', conversation: { ...conversations.get(7), ...change } }, NOW);
  store.apply(next({}), NOW);
  store.apply(await frame('read_receipt', { seq: 2 }), NOW);
  become({ participant_count: 1 });
  assert.equal(ticks(), 'read');
  const [alone, , later] = messages(message, 3, 5);
  store.apply({ type: 'message', conversation_id: 7, message: alone }, NOW);
  become({ participant_count: 2, last_seq: 4, all_delivered_seq: 4, all_read_seq: 4 });
  assert.equal(ticks(), 'sent');
  store.apply({ type: 'message', conversation_id: 7, message: { ...later, seq: 5 } }, NOW);
  assert.equal(ticks(), 'sent');
  store.apply(await frame('status', { all_delivered_seq: 5, all_read_seq: 5 }), NOW);
  assert.equal(ticks(), 'read');
});

test('first page keeps the status of the last message', async () => {
  const sent = { ...structuredClone(conversation), all_delivered_seq: 1, all_read_seq: 1 };
  const store = new Store({ me: ANN, conversations: [sent], connections: [], total_unread: 0, open: null });
  assert.equal(store.conversations.ticks(store.conversations.get(7)), sent.last_message.status);
});

test('sending marks earlier messages as read', () => {
  const store = at(BEN);
  store.apply(next({ sender: BEN }), NOW);
  assert.equal(store.conversations.get(7).unread_count, 0);
});

test('unread counts of the server replace own counts', async () => {
  const store = at(BEN);
  store.apply(await frame('unread'), NOW);
  assert.deepEqual([store.conversations.get(7).unread_count, store.totalUnread], [3, 4]);
  assert.equal(store.conversations.totalUnread(NOW), 3);
});

test('typing ends with a message or after 6 s', async () => {
  const store = at(ANN);
  store.apply(await frame('typing'), NOW);
  assert.deepEqual(store.typists.at(7, NOW + 5_999), [{ id: 2, username: 'ben' }]);
  assert.deepEqual(store.typists.at(7, NOW + 6_000), []);
  store.apply(await frame('typing'), NOW);
  store.apply(next({ sender: BEN }), NOW);
  assert.deepEqual(store.typists.at(7, NOW), []);
});

test('presence updates the participants', async () => {
  const store = at(ANN);
  store.apply(await frame('user_status'), NOW);
  const { conversations } = store;
  assert.equal(conversations.other(conversations.get(7)).is_online, true);
});

test('removed member keeps the conversation', async () => {
  const store = at(BEN);
  assert.equal(store.apply(await frame('conversation_removed'), NOW)[0].kind, 'removed');
  assert.equal(store.conversations.get(7).left, true);
  assert.deepEqual(store.cursors.all(), {});
});

test('connection replaces its former state', async () => {
  const store = at(BEN);
  const asked = await frame('connection');
  store.apply(asked, NOW);
  store.apply({ ...asked, connection: { ...asked.connection, state: 'connected' } }, NOW);
  assert.deepEqual(store.connections.map(({ state }) => state), ['connected']);
  store.apply({ ...asked, connection: { ...asked.connection, state: 'none' } }, NOW);
  assert.deepEqual(store.connections, []);
});

test('interrupted resume leaves no gap', async () => {
  const store = at(BEN);
  assert.deepEqual(store.cursors.all(), { 7: 1 });
  store.cursors.begin();
  store.apply(next({ version: 8 }), NOW);
  assert.deepEqual(store.cursors.all(), { 7: 1 }, 'the frames in between have not arrived');
  store.apply(await frame('resumed'), NOW);
  assert.deepEqual(store.cursors.all(), { 7: 9 });
  store.apply(await frame('synced'), NOW);
  assert.equal(store.totalUnread, 2);
  store.apply(next({ version: 10 }), NOW);
  assert.deepEqual(store.cursors.all(), { 7: 10 });
});

test('unknown frame type changes nothing', () => {
  const store = at(BEN);
  assert.deepEqual(store.apply({ type: 'tomorrow', conversation_id: 7 }, NOW), []);
});

test('mark is sent once, and read includes delivered', () => {
  const seen = new Seen();
  const reach = (type, seq) => seen.reach(type, { conversation_id: 7, id: 100 + seq, seq });
  reach('delivered', 2);
  reach('read_receipt', 3);
  assert.deepEqual(seen.take().map(({ type, seq }) => [type, seq]), [['read_receipt', 3]]);
  reach('read_receipt', 2);
  assert.deepEqual(seen.take(), []);
  reach('delivered', 4);
  const [lost] = seen.take();
  seen.untold(lost);
  assert.deepEqual(seen.take().map(({ seq }) => seq), [4]);
});

test('frames received during a reload stay', async () => {
  const store = at(BEN);
  const { conversation: fresh } = await frame('conversation');
  const [second, third] = messages(message, 2, 3);
  store.apply(next({}), NOW);
  store.apply({ type: 'message', conversation_id: 7, message: third }, NOW);
  store.reload({ ...fresh, version: 2, last_seq: 2, last_message: second },
    { messages: [fresh.last_message, second], has_older: false, has_newer: false });
  assert.deepEqual(store.timelines.get(7).messages.map(({ seq }) => seq), [1, 2, 3]);
  assert.equal(store.conversations.get(7).last_seq, 3);
  assert.equal(store.cursors.get(7), 2, 'the loaded page sets the cursor, even after a restored backup');
});

test('loaded connections are merged with received ones', () => {
  const store = at(BEN);
  const of = (id, state) => ({ id, state, user: { id, username: `user${id}` } });
  store.apply({ type: 'connection', connection: of(1, 'connected') }, NOW);
  store.apply({ type: 'connection', connection: of(2, 'incoming') }, NOW);
  store.apply({ type: 'connection', connection: of(5, 'requested') }, NOW);
  const read = [of(1, 'incoming'), of(3, 'connected'), of(4, 'incoming'), of(5, 'connected')];
  store.connected(read, new Set([1]));
  assert.deepEqual(store.connections.map(({ id, state }) => [id, state]),
    [[1, 'connected'], [4, 'incoming'], [5, 'connected']]);
});
