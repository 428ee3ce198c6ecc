/** Values in `localStorage`. If storage is full or switched off, values are kept
 * in memory while the page lives. */

const PREFIX = 'tidings.';
/** The JSON of values that storage refused, by name; null if they are removed. */
const refused = new Map();

/** Keeps a value. Returns whether it survives the page. */
export function keep(name, value) {
  const text = value === null || value === undefined ? null : JSON.stringify(value);
  try {
    if (text === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, text);
    refused.delete(name);
    return true;
  } catch {
    refused.set(name, text);
    return false;
  }
}

export function kept(name, otherwise = null) {
  try {
    const text = refused.has(name) ? refused.get(name) : localStorage.getItem(PREFIX + name);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** Returns all names that begin with `prefix`. */
function namesUnder(prefix) {
  let stored = [];
  try {
    stored = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX))
      .map((name) => name.slice(PREFIX.length));
  } catch {
    // Storage is switched off.
  }
  return [...new Set([...stored, ...refused.keys()])].filter((name) => name.startsWith(prefix));
}

/** Returns all values whose names begin with `prefix`. */
export const keptUnder = (prefix) =>
  namesUnder(prefix).map((name) => kept(name)).filter((value) => value !== null);

/** Calls `act` with the rest of each name that another tab changes, if the name
 * begins with `prefix`. Returns a function that ends this. */
export function whenKept(prefix, act) {
  const whole = PREFIX + prefix;
  const listener = ({ key }) => key?.startsWith(whole) && act(key.slice(whole.length));
  addEventListener('storage', listener);
  return () => removeEventListener('storage', listener);
}

/** Whether Enter sends a message. On phones it breaks the line, unless the user
 * has chosen otherwise. */
export const sendsByEnter = () =>
  kept('enter', !matchMedia('(pointer: coarse) and (hover: none)').matches);

/** Removes drafts and unsent messages. At a logout the server also sends
 * `Clear-Site-Data`, which browsers obey over TLS only. */
export function forgetTyped() {
  forgetUnder('draft.');
  forgetUnder('out.');
}

/** Removes all values whose names begin with `prefix`. Browsers send the
 * event to the other tabs only, so this tab sends it to itself. */
function forgetUnder(prefix) {
  for (const name of namesUnder(prefix)) {
    keep(name, null);
    dispatchEvent(new StorageEvent('storage', { key: PREFIX + name }));
  }
}
