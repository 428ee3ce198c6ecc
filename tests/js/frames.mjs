/** Reads the frames in tests/fixtures/frames, by ways that Node and browsers
 * have. */
// A test may replace the global one.
const { fetch } = globalThis;
const folder = new URL('../fixtures/frames/', import.meta.url);

export async function frame(name, change = {}) {
  const url = new URL(`${name}.json`, folder);
  const { default: read } = url.protocol === 'file:'
    ? await import(url.href, { with: { type: 'json' } })
    : { default: await (await fetch(url)).json() };
  return { ...structuredClone(read), ...change };
}

/** Returns consecutive messages of one conversation. */
export const messages = (template, from, to) =>
  Array.from({ length: to - from + 1 }, (_, at) => ({
    ...template, id: 100 + from + at, seq: from + at, version: from + at, text: `Message ${from + at}.`,
  }));
