/** A sound, made rather than loaded: two soft notes. */

let context = null;
/** What comes at once sounds once, in all tabs together. */
const APART = 1_000;

/** Settles as soon as it sounds, or somewhere else does. */
export async function chime() {
  // Browsers are silent until somebody has done something on the page.
  if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
  if (!navigator.locks) {
    sound();
    return;
  }
  await new Promise((settle) => {
    // Whoever has it sounds, and holds it for as long as others keep silent.
    navigator.locks.request('tidings.chime', { ifAvailable: true }, (lock) => {
      const sounds = lock !== null && sound();
      settle();
      return sounds ? new Promise((done) => { setTimeout(done, APART); }) : null;
    });
  });
}

function sound() {
  try {
    context ??= new AudioContext();
    const start = context.currentTime;
    [[659.25, 0], [880, 0.09]].forEach(([pitch, after]) => note(pitch, start + after));
    return true;
  } catch {
    // A machine without a sound is one.
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
