/**
 * The resumable sessions of each client that the store has as attached to this process: each may be detached at any time, and
 * has to be kept then. [CNT-013] [CNT-016]
 */
export class AttachedSessions {
  readonly #owners = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  add(id: string, owner: string): void {
    if (this.#owners.has(id)) return;
    this.#owners.set(id, owner);
    this.#counts.set(owner, this.count(owner) + 1);
  }

  delete(id: string): void {
    const owner = this.#owners.get(id);
    if (owner === undefined) return;
    this.#owners.delete(id);
    const left = this.count(owner) - 1;
    if (left === 0) this.#counts.delete(owner);
    else this.#counts.set(owner, left);
  }

  count(owner: string): number {
    return this.#counts.get(owner) ?? 0;
  }
}
