/** Writes the times of a page that the server rendered, in local time. */
import { now } from '../lib/clock.js';
import { write } from '../lib/dom.js';
import { ago, full, lastSeen } from '../lib/time.js';

const FORMS = {
  full,
  seen: (at) => lastSeen(at, now()),
  used: (at) => `used ${ago(at, now())}`,
};

/** Each `time` names its form in `data-form`. */
export function writeLocalTimes(root) {
  for (const time of root.querySelectorAll('time[data-form]')) {
    write(time, FORMS[time.dataset.form](time.dateTime));
  }
}
