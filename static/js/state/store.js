/**
 * The client's state, changed by frames. `apply` returns further effects: new
 * messages, gaps, removed conversations.
 */
import { Conversations, isCounted } from './conversations.js';
import { Cursors } from './cursors.js';
import { Timeline } from './timeline.js';
import { Typists } from './typing.js';

/** Milliseconds by which a message's time may be before it is stored. */
const MARGIN = 60_000;

export class Store {
  me;
  conversations;
  cursors;
  typists = new Typists();
  /** Timelines of the conversations that were opened, by id. */
  timelines = new Map();
  connections = [];
  /** Invitations back to groups that the user left. */
  invitations = [];
  totalUnread;
  /** Whether any conversation is archived, even one that isn't loaded. */
  hasArchived;
  /** The number of unread messages in archived conversations at the start. */
  archivedUnread;
  /** Whether people can create accounts, so that the user can invite them. */
  canInvite;
  /** The number of unread messages in conversations that aren't loaded. */
  unreadElsewhere;
  /** The earliest activity of conversations that a resume must show. */
  since;
  /** The epoch of the history that this state belongs to. */
  epoch;
  /** The epoch that the server's `hello` named. */
  #serverEpoch;
  /** The version up to which users' names are known. */
  peopleVersion;

  constructor(start) {
    this.me = start.me;
    const open = start.open;
    // The server read the open conversation before the list: the list is newer.
    const opened = open?.conversation ? [open.conversation] : [];
    const listed = start.conversations.map((it) => ({ ...it, alike: start.alike?.[it.id] }));
    this.conversations = new Conversations(start.me, [...opened, ...listed]);
    this.connections = [...start.connections];
    this.invitations = [...start.invitations ?? []];
    this.totalUnread = start.total_unread;
    const at = Date.parse(start.server_time ?? '');
    this.#countElsewhere(at);
    // An older page of the list leaves out chats with newer activity.
    this.since = at && start.is_first !== false ? new Date(at - MARGIN).toISOString() : undefined;
    this.hasArchived = Boolean(start.has_archived);
    this.archivedUnread = start.archived_unread ?? 0;
    this.canInvite = Boolean(start.can_invite);
    this.epoch = start.epoch;
    this.peopleVersion = start.people_version;
    const versions = start.conversations.map(({ id, version }) => [id, version]);
    this.cursors = new Cursors(Object.fromEntries(versions));
    if (open?.conversation) {
      // Its messages may be older than the list.
      this.cursors.set(open.conversation.id, open.conversation.version);
      this.timelines.set(open.conversation.id, new Timeline(open));
    }
  }

  /**
   * @param {any} frame
   * @param {number} now
   * @returns {{ kind: 'arrived' | 'requested' | 'gap' | 'removed' | 'reset' | 'restored' | 'left' | 'more' | 'unknown',
   *   conversation_id?: number, message?: any, connection?: any }[]}
   */
  apply(frame, now) {
    switch (frame.type) {
      case 'message':
        return this.#message(frame.message, now);
      case 'message_updated':
        return this.#updated(frame.message);
      case 'delivered':
      case 'read_receipt':
        return this.#moved(frame);
      case 'status':
        this.conversations.status(frame);
        return [];
      case 'typing':
        this.typists.update(frame.conversation_id,
          { id: frame.user_id, username: frame.username }, frame.is_typing, now);
        return [];
      case 'user':
        this.#renamed(frame.user);
        return [];
      case 'user_status':
        this.conversations.presence(frame);
        return [];
      case 'unread':
        this.conversations.unread(frame);
        this.totalUnread = frame.total;
        this.#countElsewhere(now);
        return [];
      case 'conversation':
        return this.#conversation(frame.conversation);
      case 'conversation_removed':
        return this.#removed(frame);
      case 'connection':
        return this.#connection(frame.connection);
      case 'invitation':
        this.#invitation(frame.invitation);
        return [];
      case 'resumed':
        this.conversations.put(frame.conversation);
        this.cursors.resumed(frame.conversation_id, frame.version);
        return [];
      case 'reset':
        return [{
          kind: frame.reason === 'other_history' ? 'restored' : 'reset',
          conversation_id: frame.conversation_id,
        }];
      case 'synced':
        this.cursors.synced();
        this.epoch = this.#serverEpoch ?? this.epoch;
        this.peopleVersion = frame.people_version ?? this.peopleVersion;
        if (frame.people_reset) return [{ kind: 'restored' }];
        this.totalUnread = frame.total_unread;
        this.#countElsewhere(now);
        return frame.more ? [{ kind: 'more' }] : [];
      case 'hello':
        this.#serverEpoch = frame.epoch;
        if (Number.isFinite(frame.total_unread)) this.totalUnread = frame.total_unread;
        return [];
      default:
        return [];
    }
  }

  /** Applies a message from a REST response. */
  applyMessage(message) {
    this.conversations.message(message);
    return this.timelines.get(message.conversation_id)?.apply(message);
  }

  /** Stores a conversation that was fetched again, and keeps the messages that
   * frames brought meanwhile. */
  reload(conversation, page) {
    const { id } = this.conversations.put(conversation);
    this.cursors.resumed(id, conversation.version);
    const known = this.timelines.get(id);
    if (!known) return;
    const fresh = new Timeline(page);
    for (const message of known.messages) fresh.apply(message);
    this.timelines.set(id, fresh);
  }

  /** The number of requests and invitations that the user can answer. */
  get requestCount() {
    return this.invitations.length
      + this.connections.filter(({ state }) => state === 'incoming').length;
  }

  /** Stores fetched connections, except of users that frames have `updated`
   * since. New established ones are ignored: most of them have a conversation
   * that isn't loaded. */
  connected(connections, updated) {
    const known = new Set(this.connections.map(({ user }) => user.id));
    const newer = this.connections.filter(({ user }) => updated.has(user.id));
    const read = connections.filter(({ state, user }) => !updated.has(user.id)
      && (state !== 'connected' || known.has(user.id)));
    this.connections = [...newer, ...read];
  }

  /** Stores a conversation of a further page of the list. */
  load(conversation, now) {
    if (this.conversations.get(conversation.id)) return;
    this.conversations.put(conversation);
    this.cursors.set(conversation.id, conversation.version);
    this.#foundElsewhere(conversation.unread_count, isCounted(conversation, now));
  }

  #foundElsewhere(unread, isCounting = true) {
    if (isCounting) this.unreadElsewhere = Math.max(0, this.unreadElsewhere - unread);
  }

  #countElsewhere(now) {
    this.unreadElsewhere = Math.max(0, this.totalUnread - this.conversations.totalUnread(now));
  }

  #message(message, now) {
    const id = message.conversation_id;
    const before = this.conversations.get(id);
    // Not in the loaded part of the list: fetching it will set its cursor.
    if (!before) return [{ kind: 'unknown', conversation_id: id, message }];
    const isNews = message.seq > before.last_seq;
    const result = this.applyMessage(message);
    this.cursors.saw(id, message.version);
    this.typists.update(id, message.sender, false, now);
    const effects = [];
    if (isNews) effects.push({ kind: 'arrived', conversation_id: id, message });
    if (result === 'gap') effects.push({ kind: 'gap', conversation_id: id });
    return effects;
  }

  #updated(message) {
    this.conversations.updated(message);
    this.cursors.saw(message.conversation_id, message.version);
    const timeline = this.timelines.get(message.conversation_id);
    // A message posted and changed while the client was offline is new here.
    const result = timeline?.apply(message);
    if (message.seq > (this.conversations.get(message.conversation_id)?.last_seq ?? Infinity)) {
      this.conversations.message(message);
    }
    return result === 'gap' ? [{ kind: 'gap', conversation_id: message.conversation_id }] : [];
  }

  #moved(frame) {
    this.conversations.moved(frame);
    this.cursors.saw(frame.conversation_id, frame.version);
    return [];
  }

  #conversation(conversation) {
    const isNew = !this.conversations.get(conversation.id);
    this.conversations.put(conversation);
    if (isNew) {
      this.cursors.set(conversation.id, conversation.version);
      // Its newest message has arrived now; earlier ones were counted elsewhere.
      this.#foundElsewhere(Math.max(0, conversation.unread_count - 1));
    } else this.cursors.saw(conversation.id, conversation.version);
    return [];
  }

  #removed({ conversation_id: id, reason }) {
    const known = this.conversations.get(id);
    if (known && reason !== 'closed') Object.assign(known, { left: true, left_by: reason });
    else this.conversations.remove(id);
    this.cursors.forget(id);
    return [{ kind: 'removed', conversation_id: id }];
  }

  #invitation(invitation) {
    const others = this.invitations.filter(({ id }) => id !== invitation.id);
    this.invitations = invitation.state === 'none' ? others : [invitation, ...others];
  }

  /** Applies a user's changed names everywhere. */
  #renamed(user) {
    const known = this.conversations.known(user.id)
      ?? this.connections.find((one) => one.user.id === user.id)?.user;
    const before = user.id === this.me.id ? this.me.username : known?.username;
    if (user.id === this.me.id) Object.assign(this.me, user);
    this.conversations.renamed(user, before);
    for (const timeline of this.timelines.values()) timeline.renamed(user, before);
    this.connections = this.connections.map((one) =>
      (one.user.id === user.id ? { ...one, user } : one));
    this.invitations = this.invitations.map((one) =>
      (one.inviter.id === user.id ? { ...one, inviter: user } : one));
  }

  #connection(connection) {
    const others = this.connections.filter(({ id, user }) =>
      id !== connection.id && user.id !== connection.user.id);
    const isShown = connection.state !== 'none';
    const wasIncoming = this.connections.some(({ id, state }) => id === connection.id && state === 'incoming');
    this.connections = isShown ? [connection, ...others] : others;
    const isNew = connection.state === 'incoming' && !wasIncoming;
    return isNew ? [{ kind: 'requested', connection }] : [];
  }
}
