/**
 * What to tell of one's own marks: each only ever moves on, is told once, and
 * again where the telling was lost.
 */
export class Seen {
  #told = new Map();
  #wanted = new Map();

  /** @param {'delivered' | 'read_receipt'} type */
  reach(type, { conversation_id: conversation, id, seq }) {
    const key = `${type} ${conversation}`;
    if (seq <= (this.#told.get(key) ?? 0) || seq <= (this.#wanted.get(key)?.seq ?? 0)) return;
    this.#wanted.set(key, { type, conversation_id: conversation, message_id: id, seq });
  }

  /** What the server knows already. */
  known(type, conversation, seq) {
    const key = `${type} ${conversation}`;
    this.#told.set(key, Math.max(seq, this.#told.get(key) ?? 0));
    if ((this.#wanted.get(key)?.seq ?? 0) <= seq) this.#wanted.delete(key);
  }

  /** What is to be told. To have read is to have. */
  take() {
    const all = [...this.#wanted.values()];
    this.#wanted.clear();
    for (const { type, conversation_id: id, seq } of all) {
      this.#told.set(`${type} ${id}`, seq);
    }
    return all.filter(({ type, conversation_id: id, seq }) =>
      type === 'read_receipt'
      || !all.some((read) => read.type === 'read_receipt' && read.conversation_id === id
        && read.seq >= seq));
  }

  /** It didn't get there. */
  untold(mark) {
    this.#told.delete(`${mark.type} ${mark.conversation_id}`);
    const key = `${mark.type} ${mark.conversation_id}`;
    if ((this.#wanted.get(key)?.seq ?? 0) < mark.seq) this.#wanted.set(key, mark);
  }
}
