/** Starts the app from the state that the server put into the page. */
import { find } from './lib/dom.js';
import { App } from './view/app.js';
import { watchQuestions } from './view/dialog.js';
import { followViewport, watchKeys } from './view/keys.js';
import { watchPointer } from './view/pointer.js';
import { dragSide } from './view/side.js';

const state = document.getElementById('state');
if (state instanceof HTMLTemplateElement) {
  const app = new App(JSON.parse(state.content.textContent));
  watchKeys(app);
  watchPointer(app);
  watchQuestions();
  dragSide();
  followViewport();
  app.start();
  if (find('time[data-form]')) {
    import('./sheets/times.js').then(({ writeLocalTimes }) => writeLocalTimes(document));
  }
}
