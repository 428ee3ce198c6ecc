/** The frames that tests are fed with: those of tests/fixtures/frames, in the
 * few lines that node and browsers both have for reading a file beside one. */
const folder = new URL('../fixtures/frames/', import.meta.url);

export async function frame(name, change = {}) {
  const url = new URL(`${name}.json`, folder);
  const { default: read } = url.protocol === 'file:'
    ? await import(url.href, { with: { type: 'json' } })
    : { default: await (await fetch(url)).json() };
  return { ...structuredClone(read), ...change };
}

/** Messages of one conversation, one after the other. */
export const messages = (template, from, to) =>
  Array.from({ length: to - from + 1 }, (_, at) => ({
    ...template, id: 100 + from + at, seq: from + at, version: from + at, text: `Message ${from + at}.`,
  }));
