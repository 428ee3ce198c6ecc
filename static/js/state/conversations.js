/**
 * The list of conversations, changed by frames. It uses no DOM.
 */
import { alike, called } from '../lib/names.js';
import { exemptOf, statusOf } from './marks.js';
import { renamedIn } from './renames.js';

export class Conversations {
  #all = new Map();
  #me;
  /** Counts the changes of names. */
  names = 0;
  /** The last answers of `namesakes`: comparing many names takes time. */
  #namesakes = [];

  constructor(me, listed = []) {
    this.#me = me;
    for (const conversation of listed) this.put(conversation);
  }

  get(id) {
    return this.#all.get(id);
  }

  get size() {
    return this.#all.size;
  }

  /** Stores a conversation's current state. A brief one lists fewer
   * participants: those known before are kept. */
  put(conversation) {
    const known = this.#all.get(conversation.id);
    const people = new Map();
    const isWhole = conversation.participants.length >= Math.min(conversation.participant_count, 2);
    if (known && !isWhole) {
      for (const person of known.participants) people.set(person.user.id, person);
    }
    for (const person of conversation.participants) people.set(person.user.id, person);
    const exempt = exemptOf(conversation, known);
    const next = { ...conversation, participants: [...people.values()], exempt };
    // A whole list of participants replaces the server's `alike`.
    if (!isWhole) next.alike ??= known?.alike;
    if (next.left) next.left_by ??= known?.left_by;
    if (known?.last_message && (known.last_message.seq > (next.last_message?.seq ?? 0))) {
      next.last_message = known.last_message;
      next.last_seq = Math.max(known.last_seq, next.last_seq);
    }
    this.#all.set(next.id, next);
    return next;
  }

  remove(id) {
    this.#all.delete(id);
  }

  /** Makes a new message the last one, and counts it as unread. */
  message(message) {
    const conversation = this.#all.get(message.conversation_id);
    if (!conversation || message.seq <= conversation.last_seq) {
      this.updated(message);
      return;
    }
    conversation.last_message = message;
    conversation.last_seq = message.seq;
    const mine = this.mark(conversation);
    if (message.sender.id === this.#me.id) {
      conversation.unread_count = 0;
      if (mine) mine.read_seq = message.seq;
    } else if (message.kind === 'text' && message.seq > (mine?.read_seq ?? 0)) {
      conversation.unread_count += 1;
    }
    if (conversation.archived && !isMuted(conversation, Date.parse(message.created_at))) {
      conversation.archived = false;
    }
  }

  updated(message) {
    const conversation = this.#all.get(message.conversation_id);
    if (conversation?.last_message?.id !== message.id) return;
    if (message.version >= conversation.last_message.version) conversation.last_message = message;
  }

  /** Moves a participant's delivered or read mark forward. */
  moved({ conversation_id: id, user_id: userId, seq, type }) {
    const conversation = this.#all.get(id);
    const person = conversation?.participants.find(({ user }) => user.id === userId);
    if (!person) return;
    person.delivered_seq = Math.max(person.delivered_seq, seq);
    if (type === 'read_receipt') person.read_seq = Math.max(person.read_seq, seq);
    if (conversation.kind === 'direct' && person.user.id !== this.#me.id) {
      const both = { conversation_id: id, all_delivered_seq: person.delivered_seq };
      this.status({ ...both, all_read_seq: person.read_seq });
    }
  }

  status({ conversation_id: id, all_delivered_seq: delivered, all_read_seq: read }) {
    const conversation = this.#all.get(id);
    if (!conversation) return;
    conversation.all_delivered_seq = Math.max(conversation.all_delivered_seq, delivered);
    conversation.all_read_seq = Math.max(conversation.all_read_seq, read);
  }

  unread({ conversation_id: id, unread_count: count }) {
    const conversation = this.#all.get(id);
    if (conversation) conversation.unread_count = count;
  }

  presence({ user_id: userId, is_online: isOnline, last_seen: lastSeen }) {
    for (const conversation of this.#all.values()) {
      const person = conversation.participants.find(({ user }) => user.id === userId);
      if (person) Object.assign(person, { is_online: isOnline, last_seen: lastSeen });
    }
  }

  /** Returns the number of loaded participants of each conversation that has
   * others than the user, by its id. */
  withOthers() {
    const counts = [...this.#all.values()].map(({ id, participants }) => [id, participants.length]);
    return new Map(counts.filter(([, count]) => count > 1));
  }

  /** Makes the presence of all others unknown. */
  forgetPresence() {
    for (const { participants } of this.#all.values()) {
      for (const person of participants) Object.assign(person, { is_online: null, last_seen: null });
    }
  }

  renamed(user, before) {
    this.names += 1;
    for (const conversation of this.#all.values()) {
      for (const person of conversation.participants) {
        if (person.user.id === user.id) person.user = user;
      }
      conversation.last_message = renamedIn(conversation.last_message, user, before);
    }
  }

  /** Returns a user as any conversation has them. */
  known(id) {
    for (const { participants, last_message: last } of this.#all.values()) {
      const person = participants.find(({ user }) => user.id === id);
      if (person) return person.user;
      if (last?.sender.id === id) return last.sender;
    }
    return undefined;
  }

  /** Returns the user's own participant entry. */
  mark(conversation) {
    return conversation.participants.find(({ user }) => user.id === this.#me.id);
  }

  /** Returns the other participant of a direct conversation. */
  other(conversation) {
    if (conversation.kind !== 'direct') return undefined;
    return conversation.participants.find(({ user }) => user.id !== this.#me.id);
  }

  /** Returns a group's title, or the other user's name. */
  title(conversation) {
    return conversation.title ?? this.other(conversation)?.user.display_name ?? '';
  }

  /** Adds the username to the title if another contact's name looks alike. */
  name(conversation, namesakes = this.namesakes()) {
    const other = this.other(conversation)?.user;
    return other ? called(other, namesakes.has(other.id)) : this.title(conversation);
  }

  /** Returns the ids of contacts whose names look alike. */
  namesakes(others = []) {
    const users = [this.#me];
    for (const each of this.#all.values()) {
      const other = this.other(each);
      if (other) users.push(other.user);
    }
    users.push(...others);
    // The list asks with new contacts, the open conversation without them.
    const slot = Number(others.length > 0);
    const known = this.#namesakes[slot];
    const isSame = known?.names.length === users.length && users.every(({ id, display_name: name }, at) =>
      known.names[at] === name && known.ids[at] === id);
    if (!isSame) {
      this.#namesakes[slot] = {
        ids: users.map(({ id }) => id),
        names: users.map(({ display_name: name }) => name),
        found: alike(users),
      };
    }
    return this.#namesakes[slot].found;
  }

  /** Returns the ids of participants whose names look alike. For groups whose
   * participants aren't loaded, the server sends them in `alike`. */
  alike(conversation, others = []) {
    const people = conversation.participants.map(({ user }) => user);
    const found = alike([this.#me, ...people, ...others]);
    for (const id of conversation.alike ?? []) found.add(id);
    return found;
  }

  directWith(username) {
    const name = username.toLowerCase();
    return [...this.#all.values()].find(
      (known) => this.other(known)?.user.username.toLowerCase() === name);
  }

  /** Returns the last message's status if it is the user's own, else null. */
  ticks(conversation) {
    const last = conversation.last_message;
    const isMine = last?.kind === 'text' && last.sender.id === this.#me.id && !last.deleted;
    return isMine ? statusOf(last, conversation) : null;
  }

  /** Returns archived or other conversations: pinned first, then by time. */
  ordered({ archived = false, at = moment } = {}) {
    const shown = [];
    for (const known of this.#all.values()) {
      if (Boolean(known.archived) === archived) shown.push({ known, pinned: Number(known.pinned), at: at(known) });
    }
    shown.sort((one, two) => two.pinned - one.pinned || two.at - one.at || two.known.id - one.known.id);
    return shown.map(({ known }) => known);
  }

  /** Returns the number of archived conversations and of their unread messages. */
  archived() {
    const found = { count: 0, unread: 0 };
    for (const { archived, unread_count: unread } of this.#all.values()) {
      if (!archived) continue;
      found.count += 1;
      found.unread += unread;
    }
    return found;
  }

  /** Leaves out muted, archived and left conversations. */
  totalUnread(now) {
    let total = 0;
    for (const known of this.#all.values()) {
      if (isCounted(known, now)) total += known.unread_count;
    }
    return total;
  }
}

/** Whether the unread messages of a conversation count in totals. */
export const isCounted = (conversation, now) =>
  !conversation.archived && !conversation.left && !isMuted(conversation, now);

export const isMuted = (conversation, now) =>
  conversation.muted_until !== null && Date.parse(conversation.muted_until) > now;

/** The times of conversations, by the object that has the text of the time. */
const moments = new WeakMap();

/** Returns the time of the last message, or of the conversation without one. */
export function moment(conversation) {
  const source = conversation.last_message ?? conversation;
  let at = moments.get(source);
  if (at === undefined) {
    at = Date.parse(source.created_at);
    moments.set(source, at);
  }
  return at;
}

/** The number of a group's members, and of the others who are online. */
export function membersText({ participant_count: count, participants }, me) {
  if (count === 1) return 'only you';
  const online = participants.filter(({ user, is_online: isOnline }) => isOnline && user.id !== me.id).length;
  return online ? `${count} members, ${online} online` : `${count} members`;
}
