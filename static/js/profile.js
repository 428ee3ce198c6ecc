/** The page of a user's profile. */
import { find } from './lib/dom.js';
import { goLive } from './live.js';
import { start } from './sheets/profile.js';
import { watchQuestions } from './view/dialog.js';
import { handleMove, matchHistory } from './view/layers.js';

const page = start(find('main.page'), {
  renamed: (url) => location.replace(url + location.search),
});
goLive(page.receive);
watchQuestions();
addEventListener('popstate', handleMove);
// The messenger's entry of its profile panel isn't a layer of this page.
if (history.state?.page !== location.href) history.replaceState(null, '');
matchHistory();
