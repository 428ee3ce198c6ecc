/** Times as text, in the user's time zone and locale. None reads the clock. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const format = (options) => new Intl.DateTimeFormat(undefined, options);
const CLOCK = format({ timeStyle: 'short' });
const WEEKDAY = format({ weekday: 'short' });
const LONG_WEEKDAY = format({ weekday: 'long' });
const DAY_MONTH = format({ day: 'numeric', month: 'short' });
const DAY_MONTH_YEAR = format({ day: 'numeric', month: 'short', year: 'numeric' });
const LONG_DAY = format({ weekday: 'long', day: 'numeric', month: 'long' });
const LONG_DAY_YEAR = format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const FULL = format({ dateStyle: 'medium', timeStyle: 'short' });

const millis = (at) => (typeof at === 'string' ? Date.parse(at) : at);

/** Returns the day of a time, as `2026-11-21`. */
export function day(at) {
  const date = new Date(millis(at));
  const two = (number) => String(number).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Returns the midnights since `at`; days may have 23 or 25 hours. */
export function daysAgo(at, now) {
  const midnight = (moment) => new Date(millis(moment)).setHours(0, 0, 0, 0);
  return Math.round((midnight(now) - midnight(at)) / DAY);
}

const isOfThisYear = (at, now) =>
  new Date(millis(at)).getFullYear() === new Date(millis(now)).getFullYear();

/** The time of day, as shown beside a message. */
export const clock = (at) => CLOCK.format(millis(at));

/** The date and the time, as shown in details. */
export const full = (at) => FULL.format(millis(at));

/** The age of a conversation's last message, for the list. */
export function listed(at, now) {
  const past = millis(now) - millis(at);
  if (past < MINUTE) return 'now';
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min`;
  return daysAgo(at, now) === 1 ? 'Yesterday' : short(at, now);
}

/** The time of day, the weekday or the date, depending on the age. */
export function short(at, now) {
  const ago = daysAgo(at, now);
  if (ago <= 0) return clock(at);
  if (ago <= 6) return WEEKDAY.format(millis(at));
  return (isOfThisYear(at, now) ? DAY_MONTH : DAY_MONTH_YEAR).format(millis(at));
}

/** The heading above a day's messages. */
export function dayName(at, now) {
  const ago = daysAgo(at, now);
  if (ago <= 0) return 'Today';
  if (ago === 1) return 'Yesterday';
  return (isOfThisYear(at, now) ? LONG_DAY : LONG_DAY_YEAR).format(millis(at));
}

/** When a user was last online. */
export function lastSeen(at, now) {
  const ago = millis(now) - millis(at);
  if (ago < MINUTE) return 'last seen just now';
  if (ago < HOUR) return `last seen ${counted(Math.floor(ago / MINUTE), 'minute')} ago`;
  const days = daysAgo(at, now);
  if (days <= 0) return `last seen today at ${clock(at)}`;
  if (days === 1) return `last seen yesterday at ${clock(at)}`;
  if (days <= 6) return `last seen ${LONG_WEEKDAY.format(millis(at))}`;
  return `last seen ${short(at, now)}`;
}

/** Whether a user is online, or when they were; nothing without a status. */
export function presenceText({ is_online: isOnline, last_seen: seen }, now) {
  if (isOnline) return 'online';
  if (isOnline !== false) return '';
  return seen ? lastSeen(seen, now) : 'Offline';
}

/** `1 member`, `2 minutes`. */
export const counted = (count, what) => `${count} ${what}${count === 1 ? '' : 's'}`;
