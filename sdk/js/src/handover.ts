// Make before break: a connection goes on until the one in its place carries media.

import type {Connection, Wiring} from './connection';

const OLD_MS = 10_000; // then the old one is closed even if the gateway says nothing

/** Something that holds a connection. */
export interface Held {
  readonly connection: Connection;
}

/** The connection of one purpose that is used, the one that is to follow it, and those that are on their way out. */
export class Handover<T extends Held> {
  current: T | null = null;
  next: T | null = null;
  private readonly old = new Map<T, ReturnType<typeof setTimeout>>();

  constructor(private readonly wiring: Wiring) {}

  /** Everything that still lives. */
  all(): T[] {
    return [this.current, this.next, ...this.old.keys()].filter((each): each is T => each !== null);
  }

  /** This one shall follow; whichever was to follow before is given up. */
  begin(next: T): T {
    this.next?.connection.close();
    return (this.next = next);
  }

  /** The next one carries media: it is the one used now, and the gateway may end the one before. */
  complete(): void {
    const [before, now] = [this.current, this.next];
    if (!now) return;
    [this.current, this.next] = [now, null];
    if (!before) return;
    this.old.set(before, setTimeout(() => this.drop(before), OLD_MS));
    const told = this.wiring.request({type: 'flowing', connection: now.connection.id}, 'each');
    told.catch((error: unknown) => now.connection.closed || this.wiring.problem(error));
  }

  /** The gateway says that a connection has ended; answers the one that it was. */
  ended(id: string): T | null {
    const found = this.all().find(each => each.connection.id === id) ?? null;
    if (found) this.drop(found);
    return found;
  }

  drop(held: T): void {
    clearTimeout(this.old.get(held));
    this.old.delete(held);
    held.connection.close();
    if (this.current === held) this.current = null;
    if (this.next === held) this.next = null;
  }

  close(): void {
    for (const each of this.all()) this.drop(each);
  }
}
