/** Times as text, in the user's time zone. None reads the clock. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Returns the options of `Intl.DateTimeFormat` for a browser of this locale.
 * Days and digits are English, as all texts are. A browser in another language
 * gets the order of the server's dates, and decides only on 12 or 24 hours.
 */
export function englishTimes(locale) {
  const own = new Intl.DateTimeFormat(locale, { hour: 'numeric' }).resolvedOptions();
  const isEnglish = /^en\b/u.test(own.locale) && own.numberingSystem === 'latn';
  return { locale: isEnglish ? own.locale : 'en-GB', hourCycle: own.hourCycle };
}

const { locale: LOCALE, hourCycle } = englishTimes();
const format = (options) => new Intl.DateTimeFormat(LOCALE, options);
const CLOCK = format({ timeStyle: 'short', hourCycle });
const WEEKDAY = format({ weekday: 'short' });
const LONG_WEEKDAY = format({ weekday: 'long' });
const DAY_MONTH = format({ day: 'numeric', month: 'short' });
const DAY_MONTH_YEAR = format({ day: 'numeric', month: 'short', year: 'numeric' });
const LONG_DAY = format({ weekday: 'long', day: 'numeric', month: 'long' });
const LONG_DAY_YEAR = format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const FULL = format({ dateStyle: 'medium', timeStyle: 'short', hourCycle });

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

/** How long ago something was, less exactly the longer ago it was. */
export function ago(at, now) {
  const past = millis(now) - millis(at);
  if (past < MINUTE) return 'just now';
  if (past < HOUR) return `${counted(Math.floor(past / MINUTE), 'minute')} ago`;
  const days = daysAgo(at, now);
  if (days <= 0) return `today at ${clock(at)}`;
  if (days === 1) return `yesterday at ${clock(at)}`;
  return days <= 6 ? LONG_WEEKDAY.format(millis(at)) : short(at, now);
}

/** When a user was last online. */
export const lastSeen = (at, now) => `last seen ${ago(at, now)}`;

/** Whether a user is online, or when they were; nothing without a status. */
export function presenceText({ is_online: isOnline, last_seen: seen }, now) {
  if (isOnline) return 'online';
  if (isOnline !== false) return '';
  return seen ? lastSeen(seen, now) : 'Offline';
}

/** `1 member`, `2 minutes`. */
export const counted = (count, what) => `${count} ${what}${count === 1 ? '' : 's'}`;
