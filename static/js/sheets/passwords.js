/** Buttons that show what is typed into a password field. */

export function start(root) {
  root.addEventListener('click', ({ target }) => {
    const button = target.closest('.reveal');
    if (button) reveal(button, button.getAttribute('aria-pressed') !== 'true');
  });
  // Browsers keep the text of other fields, but not that of passwords.
  root.addEventListener('submit', ({ target: form }) => {
    for (const button of form.querySelectorAll('.reveal')) reveal(button, false);
  });
}

function reveal(button, isShown) {
  const field = button.parentElement.querySelector('input');
  field.type = isShown ? 'text' : 'password';
  button.setAttribute('aria-pressed', String(isShown));
}
