/** REST calls, authenticated by the page's cookie. */
import { compareClock, now } from '../lib/clock.js';

/** An `application/problem+json` response; `offline` if there was none. */
export class Problem extends Error {
  constructor({ status = 0, code = 'offline', detail = 'You seem to be offline.', ...rest } = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.retry_after = rest.retry_after;
    this.errors = rest.errors ?? [];
  }
}

/** Whether a request may succeed when it is repeated. */
export const isTemporary = ({ status }) => !status || status === 429 || status >= 500;

let loggedOut = () => {};

/** Sets the callback for responses with status 401. */
export const whenLoggedOut = (act) => {
  loggedOut = act;
};

/** Milliseconds that the response to a form may take. */
const RESPONSE = 10_000;
let isLeaving = false;

/** Says whether a form was sent that ends the login or leaves the page: no
 * other navigation may cancel its response. */
export const setLeaving = (is) => {
  isLeaving = is;
};

/** Whether such a form was sent. */
export const isFormSent = () => isLeaving;

/** Goes to the login form, which says why and leads back to this page. */
export function logInAgain() {
  const { pathname, search, hash } = location;
  const url = `/login?next=${encodeURIComponent(pathname + search + hash)}&ended=1`;
  // A download doesn't leave the page.
  setTimeout(() => location.assign(url), isLeaving ? RESPONSE : 0);
}

const TIMEOUT = 20_000;
const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? '';

async function answer(method, path, body) {
  const headers = { accept: 'application/json' };
  if (method !== 'GET') headers['x-csrf-token'] = csrf();
  if (body !== undefined) headers['content-type'] = 'application/json';
  const sent = now();
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch {
    throw new Problem();
  }
  compareClock(Date.parse(response.headers.get('date')), sent, now());
  if (response.status === 204) return { body: null, links: {} };
  let json;
  try {
    json = await response.json();
  } catch {
    throw new Problem({ status: response.status, code: 'unavailable', detail: 'The server can’t be reached.' });
  }
  if (response.status === 401) loggedOut();
  if (!response.ok) throw new Problem({ ...json, status: response.status });
  return { body: json, links: links(response.headers.get('link')) };
}

/** Returns a `Link` header's URLs by their `rel` (RFC 8288). */
export function links(header) {
  const found = {};
  for (const [, url, rel] of (header ?? '').matchAll(/<([^>]*)>\s*;\s*rel="?(\w+)"?/gu)) {
    found[rel] = url;
  }
  return found;
}

const ask = async (method, path, body) => (await answer(method, path, body)).body;
const of = (id) => `/api/conversations/${id}/`;
const one = (message) => `${of(message.conversation_id)}messages/${message.id}/`;
const named = (name) => encodeURIComponent(name);

export const me = () => ask('GET', '/api/me/');
export const page = (path) => answer('GET', path);

/** Returns a whole list; `rel` links to each following page. */
async function all(path, rel = 'next') {
  const found = [];
  for (let next = path; next;) {
    const { body, links: near } = await answer('GET', next);
    found.push(...body);
    next = near[rel] ?? null;
  }
  return found;
}

export const conversations = () => ask('GET', '/api/conversations/');
export const conversation = (id) => ask('GET', of(id));
export const createDirect = (username) =>
  ask('POST', '/api/conversations/create/', { username });
export const createGroup = (title, usernames) =>
  ask('POST', '/api/conversations/create/', { title, usernames });
export const settings = (id, change) => ask('PATCH', `${of(id)}me/`, change);

/** Returns a page of messages: `before`, `after` or `around` a `seq`, else the
 * newest. */
export async function history(id, place = {}) {
  const query = new URLSearchParams(place).toString();
  const { body, links: near } = await answer('GET', `${of(id)}messages/${query && `?${query}`}`);
  return { messages: body, has_older: Boolean(near.prev), has_newer: Boolean(near.next) };
}

export const send = ({ conversation_id: id, text, client_id, reply_to }) =>
  ask('POST', `${of(id)}messages/`, { text, client_id, reply_to: reply_to?.id });
export const edit = (message, text) => ask('PATCH', one(message), { text });
export const deleteMessage = (message) => ask('DELETE', one(message));
export const react = (message, emoji, isOn) =>
  ask(isOn ? 'PUT' : 'DELETE', `${one(message)}reactions/${named(emoji)}/`);
export const receipts = (message) => all(`${one(message)}receipts/?limit=100`);
export const report = (message, reason) => ask('POST', `${one(message)}report/`, { reason });
export const marked = ({ type, conversation_id: id, message_id }) =>
  ask('POST', `${of(id)}${type === 'delivered' ? 'delivered' : 'read'}/`, { message_id });

export const rename = (id, title) => ask('PATCH', of(id), { title });
export const membersPath = (id) => `${of(id)}members/?limit=100`;
export const members = (id) => all(membersPath(id));
export const invite = (id, username) => ask('POST', `${of(id)}members/`, { username });
export const role = (id, username, to) =>
  ask('PATCH', `${of(id)}members/${named(username)}/`, { role: to });
export const remove = (id, username) => ask('DELETE', `${of(id)}members/${named(username)}/`);
export const leave = (id) => ask('POST', `${of(id)}leave/`, {});

export const people = (q) => ask('GET', `/api/users/?q=${named(q)}`);
export const profile = (username) => ask('GET', `/api/users/${named(username)}/`);
export const connections = () => all('/api/connections/?limit=100', 'prev');
export const connect = (username) => ask('POST', '/api/connections/', { username });
export const accept = (id) => ask('POST', `/api/connections/${id}/accept/`, {});
export const decline = (id) => ask('POST', `/api/connections/${id}/decline/`, {});
export const disconnect = (id) => ask('DELETE', `/api/connections/${id}/`);
export const block = (username) => ask('PUT', `/api/blocks/${named(username)}/`);
export const unblock = (username) => ask('DELETE', `/api/blocks/${named(username)}/`);
export const invitations = () => all('/api/invitations/?limit=100', 'prev');
export const join = (id) => ask('POST', `/api/invitations/${id}/accept/`, {});
export const refuse = (id) => ask('POST', `/api/invitations/${id}/decline/`, {});
