/** The settings of this browser: theme, Enter, sound and notifications. */
import { find, show, write } from './lib/dom.js';
import { forgetTyped, keep, kept, sendsByEnter } from './lib/kept.js';
import { chime } from './lib/sound.js';
import { goLive } from './live.js';

goLive();

const theme = kept('theme', '');
for (const choice of document.querySelectorAll('[name="theme"]')) {
  choice.checked = choice.value === theme;
  choice.addEventListener('change', () => {
    keep('theme', choice.value || null);
    // Browsers send this event to the other tabs only.
    dispatchEvent(new StorageEvent('storage', { key: 'tidings.theme' }));
  });
}

const enter = find('[name="enter"]');
enter.checked = sendsByEnter();
enter.addEventListener('change', () => keep('enter', enter.checked));

const sound = find('[name="sound"]');
sound.checked = kept('sound', true);
sound.addEventListener('change', () => {
  keep('sound', sound.checked);
  if (sound.checked) chime();
});

const notify = find('[name="notify"]');
const isAllowed = () => 'Notification' in window && Notification.permission === 'granted';
notify.checked = kept('notify', false) && isAllowed();
notify.addEventListener('change', async () => {
  if (notify.checked && 'Notification' in window) await Notification.requestPermission();
  const isRefused = notify.checked && !isAllowed();
  if (isRefused) notify.checked = false;
  show(find('#notify-wrong'), isRefused);
  keep('notify', notify.checked);
});

find('#forget').addEventListener('click', () => {
  forgetTyped();
  write(find('#kept'), 'Cleared. This browser stores no drafts or unsent messages.');
});

find('#log-out').addEventListener('submit', forgetTyped);
