/** The width of the list: dragged, or changed by arrow keys, and stored. */
import { find } from '../lib/dom.js';
import { keep } from '../lib/kept.js';

const LEAST = 260;
const MOST = 560;
const STEP = 16;

export function dragSide() {
  const splitter = find('.splitter');
  const side = find('.side');
  const set = (width) => {
    const fit = Math.round(Math.max(LEAST, Math.min(MOST, width)));
    document.documentElement.style.setProperty('--side', `${fit}px`);
    splitter.setAttribute('aria-valuenow', String(fit));
    keep('side', fit);
  };
  splitter.setAttribute('aria-valuemin', String(LEAST));
  splitter.setAttribute('aria-valuemax', String(MOST));
  splitter.setAttribute('aria-valuenow', String(Math.round(side.offsetWidth)));
  const isRtl = getComputedStyle(side).direction === 'rtl';
  splitter.addEventListener('pointerdown', (event) => {
    splitter.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  splitter.addEventListener('pointermove', (event) => {
    if (!splitter.hasPointerCapture(event.pointerId)) return;
    const { left, right } = side.getBoundingClientRect();
    set(isRtl ? right - event.clientX : event.clientX - left);
  });
  splitter.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (step) set(side.offsetWidth + step * (isRtl ? -1 : 1));
  });
}
