/** A user's profile. */
import { goLive } from './live.js';

goLive();
