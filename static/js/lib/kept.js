/** Values in `localStorage`. If storage is full or switched off, values are not
 * kept, without an error. */

const PREFIX = 'tidings.';

export function keep(name, value) {
  try {
    if (value === null || value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Storage is full or switched off.
  }
}

export function kept(name, otherwise = null) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** Returns all values whose names begin with `prefix`. */
export function keptUnder(prefix) {
  const found = [];
  try {
    for (let at = 0; at < localStorage.length; at += 1) {
      const name = localStorage.key(at);
      if (name?.startsWith(PREFIX + prefix)) {
        const value = kept(name.slice(PREFIX.length));
        if (value !== null) found.push(value);
      }
    }
  } catch {
    // Storage is switched off: there are none.
  }
  return found;
}

/** Removes drafts and unsent messages. At a logout the server also sends
 * `Clear-Site-Data`, which browsers obey over TLS only. */
export function forgetTyped() {
  forgetUnder('draft.');
  forgetUnder('out.');
}

/** Removes all values whose names begin with `prefix`. */
export function forgetUnder(prefix) {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX + prefix));
    for (const name of names) localStorage.removeItem(name);
  } catch {
    // Storage is switched off: there are none.
  }
}
