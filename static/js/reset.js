/** Takes the code of a password link from behind the `#`, which no server sees. */
function takeCode() {
  const code = location.hash.slice(1);
  const field = document.querySelector('#token');
  if (!code || !field) return;
  // Nor does the browser's history keep it.
  history.replaceState(null, '', location.pathname);
  field.value = code;
  field.form.requestSubmit();
}

takeCode();
addEventListener('hashchange', takeCode);
