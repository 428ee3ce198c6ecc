/**
 * The user's own delivered and read marks to send. Each only moves forward, and
 * is sent once, or again if it didn't reach the server.
 */
export class Seen {
  #sent = new Map();
  #wanted = new Map();

  /** @param {'delivered' | 'read_receipt'} type */
  reach(type, { conversation_id: conversation, id, seq }) {
    const key = `${type} ${conversation}`;
    if (seq <= (this.#sent.get(key) ?? 0) || seq <= (this.#wanted.get(key)?.seq ?? 0)) return;
    this.#wanted.set(key, { type, conversation_id: conversation, message_id: id, seq });
  }

  /** Records a mark that the server already has. */
  known(type, conversation, seq) {
    const key = `${type} ${conversation}`;
    this.#sent.set(key, Math.max(seq, this.#sent.get(key) ?? 0));
    if ((this.#wanted.get(key)?.seq ?? 0) <= seq) this.#wanted.delete(key);
  }

  /** Returns the marks to send. A read mark includes the delivered mark. */
  take() {
    const all = [...this.#wanted.values()];
    this.#wanted.clear();
    for (const { type, conversation_id: id, seq } of all) {
      this.#sent.set(`${type} ${id}`, seq);
    }
    return all.filter(({ type, conversation_id: id, seq }) =>
      type === 'read_receipt'
      || !all.some((read) => read.type === 'read_receipt' && read.conversation_id === id
        && read.seq >= seq));
  }

  /** Puts back a mark that didn't reach the server. */
  untold(mark) {
    this.#sent.delete(`${mark.type} ${mark.conversation_id}`);
    const key = `${mark.type} ${mark.conversation_id}`;
    if ((this.#wanted.get(key)?.seq ?? 0) < mark.seq) this.#wanted.set(key, mark);
  }
}
