/** The outbox in this browser's storage: each message has its own key, so that
 * tabs don't overwrite each other's messages. Also creates client ids. */
import { keep, kept, keptUnder, whenKept } from '../lib/kept.js';
import { Outbox } from '../state/outbox.js';

/**
 * @param {number} user the user's id: each one has a separate outbox
 * @param {() => void} changed another tab has sent or dropped a message
 */
export function openOutbox(user, changed) {
  const prefix = `out.${user}.`;
  const outbox = new Outbox(keptUnder(prefix), (item, isGone) => {
    item.isUnsaved = !keep(prefix + item.client_id, isGone ? null : item);
  });
  whenKept(prefix, (id) => {
    if (kept(prefix + id) === null && outbox.forget(id)) changed();
  });
  return outbox;
}

/** Returns a client id that sorts by time: a UUIDv7 (RFC 9562). */
export function uuid7(now = Date.now(), random = (bytes) => crypto.getRandomValues(bytes)) {
  const bytes = random(new Uint8Array(16));
  for (let at = 0; at < 6; at += 1) bytes[at] = Math.floor(now / 2 ** (8 * (5 - at))) % 256;
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/u, '$1-$2-$3-$4-');
}
