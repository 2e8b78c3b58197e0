// `window.rtcdn`: what tests and the curious look at.

import {type LocalTracks, type Session, capture} from '../src/index';
import type {App} from './app';
import type {Figures} from './quality';

/** Its shape; all values are those of the moment in which they are read. */
export interface Watched {
  /** connecting, live, reconnecting, closed; before and after a session: starting, start, prejoin, stopped. */
  readonly state: string;
  readonly session: Session | null;
  /** Pictures decoded by slot. */
  readonly frames: Record<string, number>;
  /** Slots with a picture that moves. */
  readonly live: string[];
  /** Hz of the loudest tone in what is heard now (within 20 Hz of `near`), 0 in silence. */
  tone(near?: number): number;
  readonly figures: Figures | null;
  /** Width and height of what is decoded, by slot. */
  readonly sizes: Record<string, [number, number]>;
  /** Tracks of the devices chosen, as the page would publish them. */
  capture(): Promise<LocalTracks>;
  readonly reconnects: number;
  readonly role: string;
  readonly seats: {slot: string; participant: string; name: string; source: string}[];
  /** Longest time in milliseconds between two pictures of the main video since `resetGap`. */
  readonly longestGapMs: number;
  resetGap(): void;
}

declare global {
  interface Window {
    rtcdn: Watched;
  }
}

/** Let it be looked at. */
export function expose(app: App): void {
  window.rtcdn = {
    get state() {
      return app.state === 'stopped' ? 'stopped' : app.room?.session.state ?? app.state;
    },
    get session() {
      return app.room?.session ?? null;
    },
    get frames() {
      return app.room?.frames.counts ?? {};
    },
    get live() {
      return app.room?.frames.live ?? [];
    },
    tone: near => app.heard.tone(near),
    get figures() {
      return app.room?.quality.figures ?? null;
    },
    get sizes() {
      return app.room?.frames.sizes ?? {};
    },
    capture: () => capture({camera: true, microphone: true}),
    get reconnects() {
      return app.room?.reconnects ?? 0;
    },
    get role() {
      return app.room?.session.role ?? '';
    },
    get seats() {
      return app.room?.session.stage.seats ?? [];
    },
    get longestGapMs() {
      return app.room?.frames.longestGapMs ?? 0;
    },
    resetGap: () => app.room?.frames.resetGap(),
  };
}
