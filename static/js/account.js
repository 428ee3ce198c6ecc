/** The forms for login and registration. */
import { start } from './sheets/passwords.js';

start(document);
