import assert from 'node:assert';
import { test } from 'node:test';
import { alike, both, hue, initials } from '../../static/js/lib/names.js';
import { firstOf, withoutMargins } from '../../static/js/lib/text.js';
import { folded, pieces } from '../../static/js/lib/links.js';

const url = new URL('../fixtures/links.json', import.meta.url);
/** The cases that also test the server's rule. */
const cases = async () => (url.protocol === 'file:'
  ? JSON.parse(await (await import('node:fs/promises')).readFile(url, 'utf8'))
  : (await fetch(url)).json());

const links = (text) => {
  const all = pieces(text);
  assert.equal(all.map((piece) => piece.text).join(''), text);
  return all.filter(({ isLink }) => isLink).map((piece) => piece.text);
};

test('links match the shared table', async () => {
  for (const { text, links: expected } of await cases()) assert.deepEqual([text, links(text)], [text, expected]);
});

test('targets of links complete what is typed', () => {
  const text = 'HTTP://a.example www.b.example/x ann@c.example';
  assert.deepEqual(pieces(text).map(({ href }) => href).filter(Boolean),
    ['HTTP://a.example', 'https://www.b.example/x', 'mailto:ann@c.example']);
});

test('link of more than 2048 characters is plain text', () => {
  const start = 'https://a.example/';
  const most = start + 'x'.repeat(2_048 - start.length);
  assert.deepEqual(links(`see ${most}.`), [most]);
  assert.deepEqual(links(`see ${most}x.`), []);
  assert.deepEqual(links(`${most}x https://b.example/`), ['https://b.example/']);
});

test('hostile text is parsed in linear time', () => {
  const spent = [5_000, 10_000].map((length) => {
    const texts = hostile(length);
    const attempts = [1, 2, 3, 4].map(() => {
      const began = processorTime();
      texts.forEach(readAll);
      return processorTime() - began;
    });
    // Other processes prolong an attempt, so the shortest one counts.
    return Math.min(...attempts);
  });
  const [half, whole] = spent;
  // Quadratic time would be four times as long.
  assert.ok(whole < 3 * half + 20, `${spent}`);
});

/** Returns milliseconds. Node counts processor time; a browser has only the time. */
function processorTime() {
  return globalThis.process ? process.cpuUsage().user / 1_000 : performance.now();
}

/** Returns texts of a length that are costly to parse. */
function hostile(length) {
  const most = (text) => text.repeat(Math.ceil(length / text.length)).slice(0, length);
  const half = Math.floor(length / 2) - 5;
  return [
    `http://a${'.'.repeat(half)}${')'.repeat(half)}`,
    `http://a${')'.repeat(length - 10)}`,
    `http://a${'('.repeat(half)}${')'.repeat(half)}`,
    ...['http://a)', 'http://', 'http://a.', 'http://a@', 'https://\u0440a.', 'http', '(', '.)', '[x](',
      'a ', '\n', '\u0301', '\u{1f468}\u200d', '\u202e', 'http://[::', ' http://a/',
      'a@', '@', 'www.', 'www.a.', 'a@a.', 'a.a@a.a ', '@www.'].map(most),
  ];
}

/** Calls every function that reads the text of other users. */
function readAll(text) {
  links(text);
  const { head, tail } = folded(text);
  assert.equal([...head, ...tail].map((piece) => piece.text).join(''), text);
  hue(text);
  initials(text);
  firstOf(text, 140);
  withoutMargins(text);
  alike([{ id: 1, display_name: text }]);
  both({ username: 'ann', display_name: text });
}

test('long text is folded at white space, never in a link', () => {
  const text = (parts) => parts.map((piece) => piece.text).join('');
  const short = 'word '.repeat(300);
  assert.deepEqual(folded(short).tail, []);
  const long = folded('word '.repeat(301));
  assert.equal(text(long.head), 'word '.repeat(200));
  assert.equal(text(long.tail), 'word '.repeat(101));
  const lines = folded('one\n'.repeat(31));
  assert.equal(text(lines.head), 'one\n'.repeat(20));
  assert.equal(text(folded('x'.repeat(1_501)).head).length, 1_000);
  const link = `https://a.example/${'x'.repeat(1_000)}`;
  const linked = folded(`${'y'.repeat(400)} ${link} ${'z'.repeat(500)}`);
  assert.equal(text(linked.head), `${'y'.repeat(400)} ${link}`);
  assert.equal(text(linked.tail), ` ${'z'.repeat(500)}`);
});
