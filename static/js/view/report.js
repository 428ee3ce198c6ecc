/** Reporting a message to the admins. */
import * as api from '../net/api.js';
import { element, write } from '../lib/dom.js';
import { openQuestion } from './dialog.js';
import { say } from './toast.js';

const REASON_MAX = 300;

export function openReport(message) {
  const field = element('input', {
    id: 'report-reason', maxlength: REASON_MAX, autocomplete: 'off', dir: 'auto', autofocus: true,
    'aria-describedby': 'report-hint report-wrong',
  });
  const wrong = element('p', { class: 'wrong', id: 'report-wrong', role: 'alert' });
  const form = element('form', { class: 'stacked' },
    element('p', { class: 'hint', id: 'report-hint' },
      'The admins of this server see the message, your reason and your name, and can read the messages around it.'),
    element('div', { class: 'field' },
      element('label', { for: 'report-reason' }, 'Reason'), field, wrong),
    element('p', { class: 'choices' },
      element('button', { type: 'button', class: 'button is-quiet', onclick: () => dialog.close() }, 'Cancel'),
      element('button', { type: 'submit' }, 'Report')));
  const dialog = openQuestion({ title: 'Report this message' }, form);
  let isUnderWay = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isUnderWay) return;
    const reason = field.value.trim();
    if (!reason) {
      write(wrong, 'Enter a reason.');
      field.focus();
      return;
    }
    isUnderWay = true;
    try {
      await api.report(message, reason);
      dialog.close();
      say('Reported to the admins.');
    } catch (problem) {
      write(wrong, problem.detail);
    }
    isUnderWay = false;
  });
}
