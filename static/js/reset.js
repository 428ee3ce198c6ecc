/** The page that sets a password by a link or a code. */
import { start } from './sheets/passwords.js';

/** Submits the code of a password link: its fragment, which no server sees. */
function submitCode() {
  const code = location.hash.slice(1);
  const field = document.querySelector('#token');
  if (!code || !field) return;
  // Keep the code out of the browser's history.
  history.replaceState(null, '', location.pathname);
  field.value = code;
  field.form.requestSubmit();
}

start(document);
submitCode();
addEventListener('hashchange', submitCode);
