/** The functions of `node:assert` that the tests use, for browsers. They
 * compare like the originals, except that `equal` is strict. */

const shown = (value) => {
  try {
    return JSON.stringify(value, (_, inner) => (inner === undefined ? 'undefined' : inner));
  } catch {
    return String(value);
  }
};

function fail(what, actual, expected) {
  throw new Error(`${what}: ${shown(actual)} where ${shown(expected)} was expected`);
}

function isAlike(one, two) {
  if (Object.is(one, two)) return true;
  if (typeof one !== 'object' || typeof two !== 'object' || !one || !two) return false;
  if (Array.isArray(one) !== Array.isArray(two)) return false;
  if (one instanceof Map && two instanceof Map) return isAlike([...one], [...two]);
  if (one instanceof Set && two instanceof Set) return isAlike([...one], [...two]);
  const [names, others] = [Object.keys(one), Object.keys(two)];
  return names.length === others.length
    && names.every((name) => Object.hasOwn(two, name) && isAlike(one[name], two[name]));
}

const assert = {
  ok(value) {
    if (!value) fail('not true', value, true);
  },
  equal(actual, expected) {
    if (!Object.is(actual, expected)) fail('not the same', actual, expected);
  },
  deepEqual(actual, expected) {
    if (!isAlike(actual, expected)) fail('not alike', actual, expected);
  },
  match(text, pattern) {
    if (!pattern.test(text)) fail('no match', text, String(pattern));
  },
};

export default assert;
