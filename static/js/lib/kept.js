/** Small things kept in this browser. Storage that is full or switched off
 * costs what would have been kept, and nothing else. */

const PREFIX = 'tidings.';

export function keep(name, value) {
  try {
    if (value === null || value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // It lives as long as the page does.
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

/** Everything kept whose name begins like that. */
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
    // As if nothing were kept.
  }
  return found;
}

/** Forgets what was typed here: drafts and unsent messages. The server asks a
 * browser to forget everything at a logout, which browsers heed over TLS only. */
export function forgetTyped() {
  forgetUnder('draft.');
  forgetUnder('out.');
}

/** Forgets everything kept whose name begins like that. */
export function forgetUnder(prefix) {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX + prefix));
    for (const name of names) localStorage.removeItem(name);
  } catch {
    // There is nothing, then.
  }
}
