/** The connection with another user, and the actions that change it. */
import * as api from '../net/api.js';
import { both } from '../lib/names.js';
import { attempt } from './actions.js';
import { confirmed } from './dialog.js';

/**
 * Returns the actions that lead from a state of the connection to the next.
 * @param {string | undefined} state
 * @returns {{ text: string, act: () => void, isQuiet?: boolean, isGrave?: boolean }[]}
 */
export function stepsOf(app, user, state) {
  const doing = (call) => () => change(app, user, call);
  const withId = (call) => doing(async () => call(await idOf(app, user)));
  switch (state) {
    case 'none': return [{ text: 'Connect', act: doing(() => api.connect(user.username)) }];
    case 'requested': return [{ text: 'Cancel request', isQuiet: true, act: withId(api.disconnect) }];
    case 'incoming': return [
      { text: 'Accept', act: withId(api.accept) },
      { text: 'Decline', isQuiet: true, act: withId(api.decline) },
    ];
    case 'blocked': return [{ text: 'Unblock', act: doing(() => api.unblock(user.username)) }];
    default: return [];
  }
}

/** Returns the actions that end a connection or all contact. */
export function endsOf(app, user, state) {
  const asking = (question, yes, call) => async () => {
    if (await confirmed(question, yes)) await change(app, user, call);
  };
  return [
    state === 'connected' && {
      text: 'Remove contact', isGrave: true,
      act: asking(`Remove ${both(user)} from your contacts? You can still read earlier messages.`, 'Remove contact',
        async () => api.disconnect(await idOf(app, user))),
    },
    state !== 'blocked' && {
      text: 'Block', isGrave: true,
      act: asking(`Block ${both(user)}? They can’t message you. You’ll still see their messages in groups you share.`, 'Block',
        () => api.block(user.username)),
    },
  ].filter(Boolean);
}

async function change(app, user, call) {
  const answered = await attempt(app, call);
  if (!answered) return;
  // No frame reports a block, and without a socket there are no frames.
  if (answered.state) app.apply({ type: 'connection', connection: answered });
  else app.connectionChanged(user.username);
}

/** Returns the id of the connection with a user. The store has only new ones. */
async function idOf(app, user) {
  const isWith = (connection) => connection.user.id === user.id;
  const known = app.store.connections.find(isWith) ?? (await api.connections()).find(isWith);
  if (!known) throw new api.Problem({ detail: 'You’re no longer connected.' });
  return known.id;
}
