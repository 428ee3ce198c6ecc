/** The page of a user's profile. */
import { find } from './lib/dom.js';
import { goLive } from './live.js';
import { start } from './sheets/profile.js';

const page = start(find('main.page'), {
  renamed: (url) => location.replace(url + location.search),
});
goLive(page.receive);
