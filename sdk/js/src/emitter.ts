// Listeners by event.

import type {Event, EventDetail} from './api';

type Listener = (detail: never) => void;

/** Tells listeners; one that throws is reported and does not keep the others from being told. */
export class Emitter {
  private readonly listeners = new Map<Event, Set<Listener>>();

  on<E extends Event>(event: E, listener: (detail: EventDetail[E]) => void): () => void {
    const own = (detail: never): void => listener(detail); // the same function may listen twice
    const all = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, all.add(own));
    return () => void all.delete(own);
  }

  emit<E extends Event>(event: E, detail: EventDetail[E]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) {
      try {
        listener(detail as never);
      } catch (error) {
        console.error(`a listener of ${event} failed`, error);
      }
    }
  }
}
