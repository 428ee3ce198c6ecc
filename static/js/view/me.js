/** The user's own name and picture above the list. */
import { find, write } from '../lib/dom.js';
import { setAvatar } from './row.js';

export function drawMe({ display_name: name }) {
  setAvatar(find('.me .avatar'), name);
  write(find('.me .bar-name'), name);
}
