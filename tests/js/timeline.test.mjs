import assert from 'node:assert';
import { test } from 'node:test';
import { Timeline } from '../../static/js/state/timeline.js';
import { frame, messages } from './frames.mjs';

const { message } = await frame('message');
const seqs = (timeline) => timeline.messages.map(({ seq }) => seq);

test('early message waits for the ones before it', () => {
  const timeline = new Timeline({ messages: messages(message, 1, 2) });
  const [third, fourth, fifth] = messages(message, 3, 5);
  assert.equal(timeline.apply(fifth), 'gap');
  assert.equal(timeline.apply(fourth), 'gap');
  assert.deepEqual(seqs(timeline), [1, 2]);
  assert.equal(timeline.apply(third), 'added');
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5]);
});

test('repeated message is ignored, and so is an older version', async () => {
  const timeline = new Timeline({ messages: messages(message, 1, 2) });
  const { message: edited } = await frame('message_updated');
  const newer = { ...edited, id: 101, seq: 1, version: 9 };
  assert.equal(timeline.apply(newer), 'changed');
  assert.equal(timeline.apply({ ...newer, version: 3, text: 'Tea?' }), 'known');
  assert.equal(timeline.messages[0].text, 'Coffee?');
  assert.deepEqual(seqs(timeline), [1, 2]);
});

test('old part of the history ignores new messages', () => {
  const timeline = new Timeline({ messages: messages(message, 10, 12), has_newer: true, has_older: true });
  assert.equal(timeline.apply(messages(message, 50, 50)[0]), 'elsewhere');
  assert.equal(timeline.apply(messages(message, 3, 3)[0]), 'elsewhere');
  assert.deepEqual(seqs(timeline), [10, 11, 12]);
});

test('pages are added at one end and removed at the other', () => {
  const timeline = new Timeline({ messages: messages(message, 51, 100), has_older: true });
  timeline.prepend(messages(message, 1, 50), false);
  assert.equal(timeline.messages.length, 100);
  timeline.trimNewer(60);
  assert.deepEqual([timeline.first, timeline.last, timeline.hasNewer], [1, 60, true]);
  timeline.append(messages(message, 55, 100), false);
  assert.deepEqual([timeline.last, timeline.hasNewer, timeline.messages.length], [100, false, 100]);
  timeline.trimOlder(10);
  assert.deepEqual([timeline.first, timeline.hasOlder], [91, true]);
});

test('empty timeline accepts any first message', () => {
  const timeline = new Timeline();
  assert.equal(timeline.apply(messages(message, 40, 40)[0]), 'added');
  assert.equal(timeline.apply(messages(message, 41, 41)[0]), 'added');
});
