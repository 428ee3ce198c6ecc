/** Keeps the admin overview's figures up to date over the admin socket. */
import './admin_frame.js';
import { find, write } from './lib/dom.js';
import { delay } from './state/backoff.js';

/** The number of samples in a chart, and its height. */
const KEPT = 150;
const HEIGHT = 32;
/** Figures of batches: 0 in a sample without a batch. */
const MEASURED = new Set(['batch', 'commit']);
/** Close code: the login ended, or its user is no longer an admin. */
const LOGIN_ENDED = 4401;

const rows = [...document.querySelectorAll('[data-figure]')];
const live = find('#live');
/** @type {Record<string, number>[]} */
let samples = [];
let attempt = 0;
let failedAt = 0;

const number = (value) => {
  if (Math.abs(value - Math.round(value)) < 0.005) return String(Math.round(value));
  if (value < 10) return value.toFixed(2);
  return value.toFixed(value < 100 ? 1 : 0);
};

/** Returns a chart's points, computed as on the server. */
function points(course, most) {
  const place = (value, at) =>
    `${at},${(HEIGHT - 1 - (value / (most || 1)) * (HEIGHT - 2)).toFixed(1)}`;
  return course.map(place).join(' ');
}

function draw() {
  for (const row of rows) {
    const course = samples.map((sample) => Number(sample[row.dataset.figure]));
    const most = Math.max(0, ...course);
    // Samples without a batch must not lower the mean.
    const counted = MEASURED.has(row.dataset.figure) ? course.filter((value) => value > 0) : course;
    const mean = counted.reduce((sum, value) => sum + value, 0) / (counted.length || 1);
    write(find('.now', row), number(course.at(-1) ?? 0));
    write(find('.mean', row), number(mean));
    write(find('.most', row), number(most));
    find('polyline', row).setAttribute('points', points(course, most));
  }
}

function take(frame) {
  if (frame.type !== 'pulse') return;
  const last = samples.at(-1)?.at ?? '';
  samples = [...samples, ...frame.samples.filter((sample) => sample.at > last)].slice(-KEPT);
  draw();
  write(live, 'Live');
}

function connect() {
  const { protocol, host } = window.location;
  const url = `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/ws/admin/`;
  const socket = new WebSocket(url, 'tidings.v1');
  socket.addEventListener('open', () => console.info('WebSocket connection established'));
  socket.addEventListener('message', (event) => {
    attempt = 0;
    take(JSON.parse(event.data));
  });
  socket.addEventListener('close', (event) => {
    if (event.code === LOGIN_ENDED) {
      write(live, 'You are logged out, or no longer an admin. Reload the page.');
      return;
    }
    if (attempt === 0) failedAt = Date.now();
    attempt += 1;
    write(live, 'Connecting…');
    setTimeout(connect, delay(attempt, Math.random(), Date.now() - failedAt));
  });
}

connect();
