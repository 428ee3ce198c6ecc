import assert from 'node:assert';
import { test } from 'node:test';
import { Conversations } from '../../static/js/state/conversations.js';
import { Store } from '../../static/js/state/store.js';
import { frame, messages } from './frames.mjs';

const { conversation } = await frame('conversation');
const { message } = await frame('message');
const ANN = conversation.participants[0].user;
const BEN = conversation.participants[1].user;

/** Returns a direct conversation of Ann with a user of this id and name. */
function directWith(id, name, change = {}) {
  const [mine, theirs] = structuredClone(conversation.participants);
  const user = { ...theirs.user, id: 100 + id, username: `user${id}`, display_name: name };
  return { ...structuredClone(conversation), id, participants: [mine, { ...theirs, user }], ...change };
}

const said = (id, time) => ({ ...message, id, conversation_id: id, created_at: time });

test('list begins with pinned and newest conversations', () => {
  const all = new Conversations(ANN, [
    directWith(1, 'Old', { last_message: said(1, '2026-11-01T00:00:00.000Z') }),
    directWith(2, 'New', { last_message: said(2, '2026-11-03T00:00:00.000Z') }),
    directWith(3, 'Pinned', { last_message: said(3, '2026-10-01T00:00:00.000Z'), pinned: true }),
    directWith(4, 'Archived', { archived: true, unread_count: 3 }),
  ]);
  assert.deepEqual(all.ordered().map(({ id }) => id), [3, 2, 1]);
  assert.deepEqual(all.ordered({ archived: true }).map(({ id }) => id), [4]);
  assert.deepEqual(all.archived(), { count: 1, unread: 3 });
  const [next] = messages(said(1, '2026-11-04T00:00:00.000Z'), 2, 2);
  all.message({ ...next, conversation_id: 1 });
  assert.deepEqual(all.ordered().map(({ id }) => id), [3, 1, 2]);
});

test('similar names are found again after a rename', () => {
  const all = new Conversations(ANN, [directWith(1, 'Teo'), directWith(2, 'Cas')]);
  assert.equal(all.namesakes().size, 0);
  const { user } = all.other(all.get(2));
  all.renamed({ ...user, display_name: 'Teo' }, user.username);
  assert.deepEqual([...all.namesakes()].sort(), [101, 102]);
  assert.equal(all.namesakes([{ ...BEN, id: 900, display_name: 'Zoe' }]).has(900), false);
  assert.equal(all.namesakes([{ ...BEN, id: 900, display_name: 'Teo' }]).has(900), true);
  all.renamed({ ...user, display_name: 'Cas' }, 'user2');
  assert.equal(all.namesakes().size, 0);
});

test('request is reported once', () => {
  const store = new Store({ me: ANN, conversations: [], connections: [], total_unread: 0, open: null });
  const connection = { id: 5, state: 'incoming', user: BEN, created_at: '2026-11-01T00:00:00.000Z' };
  const receive = (state) => store.apply({ type: 'connection', connection: { ...connection, state } }, 0);
  assert.deepEqual(receive('incoming').map(({ kind }) => kind), ['requested']);
  assert.equal(store.requestCount, 1);
  assert.deepEqual(receive('incoming'), []);
  assert.deepEqual(receive('connected'), []);
  assert.equal(store.requestCount, 0);
});

test('unread messages outside the loaded list are counted', () => {
  const listed = directWith(1, 'Teo', { unread_count: 1 });
  const store = new Store({
    me: ANN, conversations: [listed], connections: [], total_unread: 6, open: null,
    server_time: '2026-11-21T20:24:25.000Z',
  });
  assert.equal(store.unreadElsewhere, 5);
  assert.equal(store.since, '2026-11-21T20:23:25.000Z');
  const now = Date.parse('2026-11-21T20:24:30Z');
  store.load(directWith(2, 'Cas', { unread_count: 2 }), now);
  store.load(directWith(3, 'Uma', { unread_count: 9, archived: true }), now);
  store.load(directWith(2, 'Cas', { unread_count: 2 }), now);
  assert.equal(store.unreadElsewhere, 3);
  // A message of another conversation loads it.
  const news = { ...message, conversation_id: 4, sender: BEN };
  const [unknown] = store.apply({ type: 'message', message: news }, now);
  assert.deepEqual([unknown.kind, unknown.message], ['unknown', news]);
  store.apply({ type: 'conversation', conversation: directWith(4, 'Zoe', { unread_count: 3 }) }, now);
  assert.equal(store.unreadElsewhere, 1);
  store.apply({ type: 'unread', conversation_id: 5, unread_count: 0, total: 6 }, now);
  assert.equal(store.unreadElsewhere, 0);
});
