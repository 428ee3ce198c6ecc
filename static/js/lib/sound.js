/** A synthesized sound: two soft notes. */
import { isFirst } from './tabs.js';

let context = null;
/** Milliseconds within which all tabs together play one sound. */
const APART = 1_000;

/** Plays the sound, for a message in one tab only. All tabs together play one
 * sound within a second. */
export async function chime(message = null) {
  // Browsers play no sound before the user has interacted with the page.
  if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
  if (message !== null && !await isFirst(`sound.${message}`)) return;
  await isFirst('chime', { apart: APART, act: sound });
}

function sound() {
  try {
    context ??= new AudioContext();
    const start = context.currentTime;
    [[659.25, 0], [880, 0.09]].forEach(([pitch, after]) => note(pitch, start + after));
    return true;
  } catch {
    // The device may have no audio output.
    return false;
  }
}

function note(pitch, start) {
  const tone = context.createOscillator();
  const loudness = context.createGain();
  tone.type = 'sine';
  tone.frequency.value = pitch;
  loudness.gain.setValueAtTime(0, start);
  loudness.gain.linearRampToValueAtTime(0.08, start + 0.015);
  loudness.gain.exponentialRampToValueAtTime(0.0001, start + 0.35);
  tone.connect(loudness).connect(context.destination);
  tone.start(start);
  tone.stop(start + 0.4);
}
