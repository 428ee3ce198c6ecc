/** Follows the presence of a profile's user, and the connection with them. */
import { now, setClock } from './lib/clock.js';
import { find, write } from './lib/dom.js';
import { presenceText } from './lib/time.js';
import { goLive } from './live.js';
import * as api from './net/api.js';
import { setPresence } from './view/faces.js';

/** Milliseconds between redraws, which update ages. */
const REDRAW = 20_000;

const page = find('main.page');
const { username, relation } = page.dataset;
const user = Number(page.dataset.user);
/** The profile as the server returned it last. */
let profile = null;
let shownRelation = relation;
let requests = 0;

/** Fetches the profile. A frame says that it has changed, and the last response
 * was read after the last frame. */
async function refresh() {
  requests += 1;
  const request = requests;
  try {
    const found = await api.profile(username);
    if (request !== requests) return;
    profile = found;
  } catch {
    // The next connection fetches it again.
    return;
  }
  drawPresence();
  if (shownRelation && profile.connection !== shownRelation) drawRelation();
}

function drawPresence() {
  if (!profile) return;
  // The user's own page is open, so others see them online.
  const status = shownRelation ? profile : { is_online: true, last_seen: null };
  setPresence(find('.face', page), status.is_online);
  const text = presenceText(status, now());
  write(find('.status', page), text && ` · ${text}`);
}

function drawRelation() {
  shownRelation = profile.connection;
  const template = document.getElementById(`relation-${shownRelation}`);
  const [text, form] = template.content.cloneNode(true).children;
  find('#relation').replaceChildren(...text.childNodes);
  const former = find('.choices', page);
  const hadFocus = former.contains(document.activeElement);
  former.replaceWith(form);
  if (hadFocus) find('button, a', form)?.focus();
}

goLive((frame) => {
  if (frame.type === 'hello') {
    setClock(Date.parse(frame.server_time));
    refresh();
  }
  if (frame.type === 'user_status' && frame.user_id === user) refresh();
  if (frame.type === 'connection' && frame.connection.user.id === user) refresh();
  // A name is in every part of the page, and in its URL.
  if (frame.type === 'user' && frame.user.id === user) {
    location.replace(`/profile/${encodeURIComponent(frame.user.username)}${location.search}`);
  }
});
setInterval(drawPresence, REDRAW);
// No frame reports a block without a connection.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') refresh();
});
