/** The settings: those of this browser, and forms that are answered in their
 * section. */
import { element, find, show, write } from '../lib/dom.js';
import { forgetTyped, keep, kept, sendsByEnter } from '../lib/kept.js';
import { chime } from '../lib/sound.js';
import { setLeaving } from '../net/api.js';
import { loadPage } from './pages.js';
import { start as startPasswords } from './passwords.js';
import { writeLocalTimes } from './times.js';

/**
 * Makes the settings live.
 * @param {HTMLElement} root the page's `main`, in this page or in a panel
 */
export function start(root) {
  draw(root);
  startPasswords(root);
  root.addEventListener('change', ({ target }) => CHANGES[target.name]?.(target, root));
  root.addEventListener('submit', (event) => submit(event, root));
  root.addEventListener('click', (event) => click(event, root));
}

const isAllowed = () => 'Notification' in window && Notification.permission === 'granted';

/** Shows the state of this browser in a part of the page. */
function draw(part) {
  writeLocalTimes(part);
  const theme = kept('theme', '');
  for (const choice of part.querySelectorAll('[name="theme"]')) {
    choice.checked = choice.value === theme;
  }
  const check = (name, isChecked) => {
    const box = find(`[name="${name}"]`, part);
    if (box) box.checked = isChecked;
  };
  check('enter', sendsByEnter());
  check('sound', kept('sound', true));
  check('notify', kept('notify', false) && isAllowed());
}

/** The settings of this browser by the names of their fields. */
const CHANGES = {
  theme({ value }) {
    keep('theme', value || null);
    // Browsers send this event to the other tabs only.
    dispatchEvent(new StorageEvent('storage', { key: 'tidings.theme' }));
  },
  enter: ({ checked }) => keep('enter', checked),
  sound({ checked }) {
    keep('sound', checked);
    if (checked) chime();
  },
  async notify(box, root) {
    if (box.checked && 'Notification' in window) await Notification.requestPermission();
    const isRefused = box.checked && !isAllowed();
    if (isRefused) box.checked = false;
    show(find('#notify-wrong', root), isRefused);
    keep('notify', box.checked);
  },
};

function click(event, root) {
  const { target } = event;
  if (target.closest('#forget')) {
    forgetTyped();
    write(find('#forgotten', root), 'Cleared. This browser stores no drafts or unsent messages.');
  }
  const link = target.closest('a');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const href = link.getAttribute('href') ?? '';
  if (href.startsWith('#')) {
    event.preventDefault();
    goTo(find(href, root));
  }
  // The pages of a list replace each other in their section.
  if (link.closest('.pages')) {
    event.preventDefault();
    exchange(link, { url: link.href, root });
  }
}

function goTo(heading) {
  heading.scrollIntoView({ block: 'start' });
  heading.focus({ preventScroll: true });
}

function submit(event, root) {
  const { target: form, submitter } = event;
  if (form.id === 'log-out') {
    forgetTyped();
    setLeaving(true);
  }
  // A download and a logout are answered by the browser.
  if (form.matches('[data-leaves]')) return;
  event.preventDefault();
  if (form.getAttribute('aria-busy')) return;
  const body = new URLSearchParams(/** @type {any} */ (new FormData(form, submitter)));
  form.setAttribute('aria-busy', 'true');
  exchange(form, { url: form.action, body, root }).finally(() => form.removeAttribute('aria-busy'));
}

/** Sends a form or follows a link, and shows the answered section in place of
 * its own. The other sections keep what is typed there. */
async function exchange(origin, { url, root, body = null }) {
  const section = origin.closest('section');
  find('.failed', section)?.remove();
  // The end of the account also ends the socket.
  setLeaving(origin.id === 'delete-account');
  let answer;
  try {
    answer = await loadPage(url, body);
  } catch ({ detail }) {
    setLeaving(false);
    fail(origin, detail);
    return;
  }
  if (answer.status >= 400) setLeaving(false);
  const name = section.getAttribute('aria-labelledby');
  const answered = find(`main.settings section[aria-labelledby="${name}"]`, answer.page);
  if (answered) replace(section, document.importNode(answered, true), body && origin);
  else if (find('main.settings', answer.page)) leave(section, root);
  else if (answer.status < 400) depart(origin, answer.url);
  else fail(origin, find('main h1 + p', answer.page)?.textContent ?? 'The server can’t be reached.');
}

/** Shows beside a form why nothing was changed. */
function fail(origin, text) {
  const said = element('p', { class: 'wrong failed', role: 'alert' });
  origin.closest('form, .pages').append(said);
  // Screen readers announce a text that comes into an element on the page.
  requestAnimationFrame(() => write(said, text));
}

/** Shows a section that the server answered.
 * @param {HTMLFormElement | null} form the form that was sent */
function replace(section, answered, form) {
  const action = form?.getAttribute('action');
  const said = find('[role="status"].done', answered);
  const text = said?.textContent;
  said?.replaceChildren();
  draw(answered);
  section.replaceWith(answered);
  const again = find(`form[action="${action}"] [type="submit"]`, answered);
  const next = find('[aria-invalid]', answered) ?? again ?? find('h2', answered);
  next.focus();
  if (said) requestAnimationFrame(() => write(said, text));
}

/** Removes a section that has nothing left to show. */
function leave(section, root) {
  section.remove();
  find('h1', root).focus();
}

/** Follows the answer to another page: the account or the login has ended. */
function depart(form, url) {
  if (form.id === 'delete-account') forgetTyped();
  location.assign(url);
}
