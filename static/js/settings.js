/** The page of the user's settings. */
import { find } from './lib/dom.js';
import { goLive } from './live.js';
import { start } from './sheets/settings.js';

start(find('main.settings'));
goLive();
