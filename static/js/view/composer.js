/** The composer. It stores typed text as a draft until the text is in the
 * outbox. */
import { element, find, piece, show, write } from '../lib/dom.js';
import { now } from '../lib/clock.js';
import { keep, kept, sendsByEnter, whenKept } from '../lib/kept.js';
import { firstOf, isRtl, lengthOf, withoutMargins } from '../lib/text.js';
import { OwnTyping } from '../state/typing.js';
import { say } from './toast.js';

const LIMIT = 10_000;
const COUNT_FROM = 9_000;
/** The length of the part of a draft that is stored. */
const STORED = 50_000;
/** Milliseconds between two times at which a long draft is stored. */
const SAVE_LONG = 1_000;
/** The length of the part of a message that is shown above the composer. */
const SHOWN = 300;
const figure = (number) => number.toLocaleString('en');

/** Adds the form if the server left it out, as writing wasn't allowed. The
 * server then rendered only a refused text.
 * @returns {string} the refused text */
function complete(footer) {
  if (find('form:not(.choices)', footer)) return '';
  const kept = find('textarea', footer);
  kept?.remove();
  const whole = find('.composer', piece('thread'));
  footer.append(find('.answering', whole), find('form', whole));
  return kept?.value ?? '';
}

export class Composer {
  #footer;
  #form;
  #text;
  #button;
  #bar;
  /** Offers to shorten a text that is too long. */
  #cut;
  #on;
  #typing = new OwnTyping();
  #timer = 0;
  #draft;
  /** The draft as this tab last read or wrote it, as JSON. */
  #stored;
  /** Whether the draft is this tab's: it doesn't follow those of other tabs. */
  #isOwn = false;
  #unfollow = () => {};
  #saving = 0;
  #answering = null;
  #editing = null;

  /**
   * @param {HTMLElement} thread
   * @param {{ draft: string, name: string, send: (text: string, replyTo: any) => void,
   *   edit: (message: any, text: string) => void, typing: (isTyping: boolean) => void,
   *   last: () => any, called?: (user: any) => string, emoji: (anchor: HTMLElement, pick: (sign: string) => void) => void }} on
   */
  constructor(thread, on) {
    this.#on = on;
    this.#draft = `draft.${on.draft}`;
    this.#footer = find('.composer', thread);
    const refused = complete(this.#footer);
    this.#form = find('form:not(.choices)', this.#footer);
    this.#text = find('textarea', this.#form);
    this.#button = find('button[type="submit"]', this.#form);
    this.#bar = find('.answering', this.#footer);
    this.#text.setAttribute('aria-label', `Message to ${on.name}`);
    // Allow a text that is too long to send: the counter helps to shorten it.
    this.#text.removeAttribute('maxlength');
    this.#text.required = false;
    this.#text.value ||= refused;
    this.#cut = element('p', { class: 'too-long', hidden: true },
      element('button', { type: 'button', class: 'button is-quiet', onclick: () => this.#shorten() },
        `Keep the first ${figure(LIMIT)} characters`));
    this.#form.before(this.#cut);
    this.#restore();
    this.#follow();
    this.#form.addEventListener('submit', (event) => this.#submit(event));
    this.#text.addEventListener('beforeinput', ({ data }) => this.#bound(data ?? ''));
    this.#text.addEventListener('input', () => this.#typed());
    this.#text.addEventListener('keydown', (event) => this.#key(event));
    this.#text.addEventListener('focus', () => this.#labelEnter());
    this.#labelEnter();
    this.#text.addEventListener('blur', () => this.#say(this.#typing.stop(), false));
    this.#bar.addEventListener('click', (event) => {
      if (event.target.closest('[data-act="drop"]')) this.#drop();
    });
    find('[data-act="emoji"]', this.#form).addEventListener('click', (event) => {
      on.emoji(event.currentTarget, (sign) => this.#insert(sign));
    });
    // Keep the focus in the text: a tap would hide a phone's keyboard.
    this.#button.addEventListener('pointerdown', (event) => event.preventDefault());
  }

  /** Shows the form only if the user can write. A draft stays readable. */
  close(isClosed) {
    this.#footer.classList.toggle('is-closed', isClosed);
    this.#text.readOnly = isClosed;
    show(this.#form, !isClosed || !this.isEmpty);
    if (isClosed) [this.#bar, this.#cut].forEach((part) => show(part, false));
  }

  focus() {
    if (!this.#text.readOnly) this.#text.focus({ preventScroll: true });
  }

  get isEmpty() {
    return !this.#text.value.trim();
  }

  answer(message) {
    this.#endEdit();
    this.#answering = message;
    this.#showAnswer(message);
    this.focus();
    this.#save();
  }

  edit(message, text = message.text) {
    this.#answering = null;
    if (!this.#editing) this.#save();
    this.#edits(message, text);
    this.#save();
    this.focus();
    this.#text.setSelectionRange(text.length, text.length);
  }

  #edits(message, text) {
    this.#editing = message;
    this.#text.value = text;
    this.#showBar(['Editing'], message.text, 'Cancel editing');
    this.#changed();
  }

  /** Empties the composer and returns its text. */
  take() {
    const text = this.#text.value;
    this.#text.value = '';
    this.#changed();
    this.#save();
    return text;
  }

  /** Puts a text back if the composer is empty. */
  giveBack(text) {
    if (this.isEmpty) {
      this.#text.value = text;
      this.#changed();
      this.#save();
    }
  }

  leave() {
    this.#save();
    this.#say(this.#typing.stop(), false);
    clearInterval(this.#timer);
  }

  /** Leaves for good: the draft no longer follows other tabs. */
  end() {
    this.leave();
    this.#unfollow();
  }

  /** Cancels a reply or an edit; returns false if there is none. */
  escape() {
    if (!this.#answering && !this.#editing) return false;
    this.#drop();
    return true;
  }

  #restore() {
    const draft = kept(this.#draft);
    this.#stored = JSON.stringify(draft);
    const { text = '', answering = null, editing = null } = draft ?? {};
    if (editing) {
      this.#edits(editing.message, editing.text);
      return;
    }
    if (text && !this.#text.value) this.#text.value = text;
    if (answering) {
      this.#answering = answering;
      this.#showAnswer(answering);
    }
    this.#changed();
  }

  /** Shows a draft that another tab has changed, unless this tab has its own. */
  #follow() {
    this.#unfollow = whenKept(this.#draft, (rest) => {
      if (rest || this.#isOwn || !this.#footer.isConnected) return;
      [this.#answering, this.#editing, this.#text.value] = [null, null, ''];
      show(this.#bar, false);
      this.#restore();
    });
  }

  /** Labels the Enter key of a phone. */
  #labelEnter() {
    this.#text.enterKeyHint = sendsByEnter() ? 'send' : 'enter';
  }

  #submit(event) {
    event.preventDefault();
    const text = withoutMargins(this.#text.value);
    const length = [...text].length;
    if (!text || length > LIMIT || this.#text.readOnly) return;
    if (this.#editing) {
      const message = this.#editing;
      this.#endEdit();
      if (text !== message.text) this.#on.edit(message, text);
    } else {
      const replyTo = this.#answering;
      this.#answering = null;
      this.#text.value = '';
      this.#on.send(text, replyTo);
    }
    this.#typing.sent();
    show(this.#bar, false);
    this.#changed();
    this.#save();
    this.focus();
  }

  #key(event) {
    const isPlain = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
    const isSending = isPlain ? sendsByEnter() : event.ctrlKey || event.metaKey;
    if (event.key === 'Enter' && isSending) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === 'ArrowUp' && isPlain && !this.#text.value) {
      const last = this.#on.last();
      if (!last) return;
      event.preventDefault();
      this.edit(last);
    } else if (event.key === 'Escape' && this.escape()) {
      event.stopPropagation();
    }
  }

  #typed() {
    this.#changed();
    this.#saveSoon();
    if (this.isEmpty) {
      this.#say(this.#typing.stop(), false);
      return;
    }
    if (this.#editing) return;
    this.#say(this.#typing.key(now()), true);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      if (!this.#typing.tick(now())) return;
      clearInterval(this.#timer);
      this.#on.typing(false);
    }, 100);
  }

  #say(isDue, isTyping) {
    if (isDue) this.#on.typing(isTyping);
  }

  /** Fits the height to the text in browsers without `field-sizing`. */
  #grow() {
    if (CSS.supports('field-sizing', 'content')) return;
    this.#text.style.blockSize = 'auto';
    const frame = this.#text.offsetHeight - this.#text.clientHeight;
    this.#text.style.blockSize = `${this.#text.scrollHeight + frame}px`;
  }

  /** Fixes the height and the direction of the field for a long text: browsers
   * take seconds to find them at each key.
   * @param {string} [added] a text to be inserted */
  #bound(added = '') {
    const text = this.#text.value || added;
    const isLong = this.#text.value.length + added.length > LIMIT;
    this.#text.classList.toggle('is-long', isLong);
    const direction = isRtl(text) ? 'rtl' : 'ltr';
    this.#text.dir = isLong ? direction : 'auto';
  }

  #changed() {
    this.#bound();
    this.#grow();
    const length = lengthOf(withoutMargins(this.#text.value));
    const left = LIMIT - length;
    this.#button.disabled = !length || left < 0;
    this.#text.toggleAttribute('aria-invalid', left < 0);
    const counter = find('.counter', this.#form);
    show(counter, length >= COUNT_FROM);
    if (length >= COUNT_FROM) write(counter, left < 0 ? `${figure(-left)} over` : `${left} left`);
    show(this.#cut, left < 0);
    const [label, symbol] = this.#editing ? ['Save', 'mark-check'] : ['Send', 'mark-send'];
    this.#button.ariaLabel = label;
    this.#button.title = label;
    find('use', this.#button).setAttribute('href', `#${symbol}`);
  }

  /** Shortens the text, and offers to undo it. */
  #shorten() {
    const whole = this.#text.value;
    const set = (text) => {
      this.#bound(text);
      this.#text.value = text;
      this.#typed();
      this.focus();
    };
    const first = firstOf(withoutMargins(whole), LIMIT);
    set(first);
    say('Shortened', { undo: () => this.#text.value === first && set(whole) });
  }

  #insert(sign) {
    const { selectionStart: start, selectionEnd: end } = this.#text;
    this.#text.setRangeText(sign, start, end, 'end');
    this.#typed();
    this.focus();
  }

  #name({ sender }) {
    return element('bdi', {}, this.#on.called?.(sender) ?? sender.display_name);
  }

  #showAnswer(message) {
    this.#showBar(['Replying to ', this.#name(message)], message.text, 'Cancel reply');
  }

  #showBar(what, about, cancel) {
    find('strong', this.#bar).replaceChildren(...what);
    write(find('span', this.#bar), firstOf(about, SHOWN));
    find('[data-act="drop"]', this.#bar).ariaLabel = cancel;
    show(this.#bar, true);
  }

  #drop() {
    this.#answering = null;
    this.#endEdit();
    show(this.#bar, false);
    this.#changed();
    this.#save();
    this.focus();
  }

  #endEdit() {
    if (!this.#editing) return;
    this.#editing = null;
    this.#text.value = kept(this.#draft, {}).text ?? '';
    show(this.#bar, false);
    this.#changed();
    this.#save();
  }

  /** Stores a long text a moment later: that takes a while at each key. */
  #saveSoon() {
    if (this.#text.value.length <= LIMIT) this.#save();
    else this.#saving ||= setTimeout(() => this.#save(), SAVE_LONG);
  }

  /** Stores only what has changed in this tab: other tabs may write, too. */
  #save() {
    clearTimeout(this.#saving);
    this.#saving = 0;
    const draft = this.#draftNow();
    const text = JSON.stringify(draft);
    if (text === this.#stored) return;
    this.#stored = text;
    this.#isOwn = draft !== null;
    keep(this.#draft, draft);
  }

  #draftNow() {
    const text = this.#text.value.slice(0, STORED);
    if (this.#editing) {
      // Keep the draft from before the edit.
      const { id, conversation_id, text: was, sender } = this.#editing;
      const message = { id, conversation_id, text: was, sender };
      return { text: kept(this.#draft, {}).text ?? '', editing: { message, text } };
    }
    const isNothing = !text && !this.#answering;
    return isNothing ? null : { text, answering: this.#answering };
  }
}
