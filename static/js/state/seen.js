/**
 * The user's own delivered and read marks. Each only moves forward. A mark that
 * the server hasn't confirmed is sent again after the connection was lost: a
 * socket may take a frame and never deliver it.
 *
 * @typedef {{ type: 'delivered' | 'read_receipt', conversation_id: number,
 *   message_id: number, seq: number }} Mark
 */
const keyOf = (type, conversation) => `${type} ${conversation}`;

export class Seen {
  /** The `seq` of the marks that the server has. */
  #known = new Map();
  /** Marks that were sent, but aren't confirmed. */
  #sent = new Map();
  #wanted = new Map();

  /** @param {'delivered' | 'read_receipt'} type */
  reach(type, { conversation_id: conversation, id, seq }) {
    const key = keyOf(type, conversation);
    const furthest = [this.#known.get(key), this.#sent.get(key)?.seq, this.#wanted.get(key)?.seq];
    if (furthest.some((reached) => seq <= reached)) return;
    this.#wanted.set(key, { type, conversation_id: conversation, message_id: id, seq });
  }

  /** Records a mark that the server has. A read mark includes the delivered one. */
  known(type, conversation, seq) {
    const key = keyOf(type, conversation);
    this.#known.set(key, Math.max(seq, this.#known.get(key) ?? 0));
    for (const marks of [this.#sent, this.#wanted]) {
      if (marks.get(key)?.seq <= seq) marks.delete(key);
    }
    if (type === 'read_receipt') this.known('delivered', conversation, seq);
  }

  /** Returns the marks to send. A read mark includes the delivered one. */
  take() {
    const all = [...this.#wanted.values()];
    for (const [key, mark] of this.#wanted) this.#sent.set(key, mark);
    this.#wanted.clear();
    return all.filter(({ type, conversation_id: id, seq }) =>
      type === 'read_receipt'
      || !all.some((read) => read.type === 'read_receipt' && read.conversation_id === id
        && read.seq >= seq));
  }

  /** Puts back a mark that didn't reach the server. */
  untold(mark) {
    const key = keyOf(mark.type, mark.conversation_id);
    if (!(this.#sent.get(key)?.seq > mark.seq)) this.#sent.delete(key);
    if (this.#known.get(key) >= mark.seq || this.#wanted.get(key)?.seq >= mark.seq) return;
    this.#wanted.set(key, mark);
  }

  /** The connection has ended: sent marks may not have arrived. */
  lost() {
    for (const mark of [...this.#sent.values()]) this.untold(mark);
  }
}
