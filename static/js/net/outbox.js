/** The outbox, kept in this browser: each message by itself, so that several
 * tabs never write over one another's; and the names of messages. */
import { keep, keptUnder } from '../lib/kept.js';
import { Outbox } from '../state/outbox.js';

/** @param {number} user those of somebody else who logged in here stay theirs */
export function openOutbox(user) {
  const prefix = `out.${user}.`;
  return new Outbox(keptUnder(prefix), (item, isGone) => {
    keep(prefix + item.client_id, isGone ? null : item);
  });
}

/** Names for messages that grow in time: UUIDv7 (RFC 9562). */
export function uuid7(now = Date.now(), random = (bytes) => crypto.getRandomValues(bytes)) {
  const bytes = random(new Uint8Array(16));
  for (let at = 0; at < 6; at += 1) bytes[at] = Math.floor(now / 2 ** (8 * (5 - at))) % 256;
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/u, '$1-$2-$3-$4-');
}
