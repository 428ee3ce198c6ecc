/** The outbox, kept in this browser: each message by itself, so that several
 * tabs never write over one another's. */
import { keep, keptUnder } from '../lib/kept.js';
import { Outbox } from '../state/outbox.js';

/** @param {number} user those of somebody else who logged in here stay theirs */
export function openOutbox(user) {
  const prefix = `out.${user}.`;
  return new Outbox(keptUnder(prefix), (item, isGone) => {
    keep(prefix + item.client_id, isGone ? null : item);
  });
}
