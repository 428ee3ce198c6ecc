import assert from 'node:assert';
import { test } from 'node:test';
import { Sync } from '../../static/js/net/sync.js';
import { Outbox } from '../../static/js/state/outbox.js';
import { Store } from '../../static/js/state/store.js';
import { frame, messages } from './frames.mjs';
import { settled, withNetwork } from './network.mjs';

/** Returns a client of Ben, who is in a conversation with Ann. */
async function client() {
  const { conversation } = await frame('conversation');
  const ben = conversation.participants[1].user;
  const { message } = await frame('message');
  const [first, ...rest] = messages({ ...message, conversation_id: conversation.id }, 1, 4);
  const known = { ...conversation, last_seq: 1, last_message: first, unread_count: 0 };
  const store = new Store({
    me: ben, conversations: [known], connections: [], total_unread: 0, epoch: 'a', people_version: 1,
    open: { conversation: known, messages: [first], has_older: false, has_newer: false },
  });
  const arrived = [];
  const none = () => {};
  const sync = new Sync(store, new Outbox(), {
    change: none, missed: none, removed: none, connected: none, restored: none, renamed: none, ended: none, frame: none,
    arrived: ({ seq }) => arrived.push(seq),
  });
  const hello = { type: 'hello', server_time: message.created_at, epoch: 'a', total_unread: 0 };
  return { sync, store, arrived, rest, known, hello };
}

const marks = ({ sent }) => sent.filter(({ type }) => type === 'delivered')
  .map(({ message_id: id }) => id);

test('mark without confirmation is sent again by the next socket', () => withNetwork(async (network) => {
  const { sync, rest, hello } = await client();
  sync.start();
  const [first] = network.sockets;
  first.receive(hello);
  first.receive({ type: 'message', message: rest[0] });
  sync.flush();
  assert.deepEqual(marks(first), [rest[0].id]);
  // The socket dies before the frame is delivered.
  first.close();
  network.timers.at(-1).then();
  const [, second] = network.sockets;
  second.receive(hello);
  assert.deepEqual(marks(second), [rest[0].id]);
  const { id: user } = (await frame('conversation')).conversation.participants[1].user;
  second.receive({
    type: 'delivered', conversation_id: rest[0].conversation_id, user_id: user, seq: rest[0].seq,
    message_id: rest[0].id, version: 9,
  });
  second.close();
  network.timers.at(-1).then();
  network.sockets[2].receive(hello);
  assert.deepEqual(marks(network.sockets[2]), []);
}));

test('reload is repeated after a temporary error', () => withNetwork(async (network) => {
  for (const status of [503, 429, 500]) {
    const { sync, known } = await client();
    const path = `/api/conversations/${known.id}/`;
    network.answers[path] = () => ({ status, body: { code: 'busy', detail: '', retry_after: 30 } });
    network.timers.length = 0;
    await sync.reload(known.id);
    await settled();
    assert.deepEqual(network.timers.map(({ after }) => after), [30_000], String(status));
  }
  const { sync, known } = await client();
  network.answers[`/api/conversations/${known.id}/`] = () =>
    ({ status: 404, body: { code: 'not_found', detail: '' } });
  network.timers.length = 0;
  await sync.reload(known.id);
  assert.deepEqual(network.timers, []);
}));

test('message that both a poll and the socket bring arrives once', () => withNetwork(async (network) => {
  const { sync, known, arrived, rest, hello } = await client();
  const [next, , last] = rest;
  const page = rest.slice(0, 2);
  network.answers['/api/conversations/'] = () =>
    ({ body: [{ ...known, last_seq: page[1].seq, last_message: page[1] }] });
  let answer = () => {};
  network.answers[`/api/conversations/${known.id}/messages/`] = () =>
    new Promise((settle) => { answer = () => settle({ body: page }); });
  sync.start();
  network.sockets[0].receive(hello);
  network.sockets[0].receive({ type: 'message', message: next });
  const polled = sync.catchUp();
  await settled();
  network.sockets[0].receive({ type: 'message', message: page[1] });
  answer();
  await polled;
  network.sockets[0].receive({ type: 'message', message: last });
  assert.deepEqual(arrived, [2, 3, 4]);
}));
