// `window.rtcdn`: what tests and the curious look at.

import type {LocalTracks, Session} from '../src/index';
import type {App} from './app';
import type {Figures} from './quality';
import type {Sdk} from './sdk';

/** Its shape; all values are those of the moment in which they are read. */
export interface Watched {
  /** connecting, live, reconnecting, closed; without a session: starting, start, prejoin, stopped. */
  readonly state: string;
  readonly session: Session | null;
  /** Pictures decoded by slot. */
  readonly frames: Record<string, number>;
  /** Slots with a picture that moves. */
  readonly live: string[];
  /** Hz of the loudest tone in what is heard now, 0 in silence. */
  tone(): number;
  /** Hz of the loudest tone within 20 Hz of this one, 0 when there is none. */
  loudest(hz: number): number;
  readonly figures: Figures | null;
  /** Width and height of what is decoded, by slot. */
  readonly sizes: Record<string, [number, number]>;
  /** The connections on which one receives. */
  readonly connections: readonly string[];
  readonly reconnects: number;
  readonly role: string;
  readonly seats: {slot: string; participant: string; name: string; source: string}[];
  /** Longest time in milliseconds between two pictures of the main video since `resetGap`. */
  readonly longestGapMs: number;
  resetGap(): void;
  /** Open camera and microphone, as `publish` and `prepare` take them. */
  capture(): Promise<LocalTracks>;
}

declare global {
  interface Window {
    rtcdn: Watched;
  }
}

/** Let it be looked at. */
export function expose(app: App, sdk: Pick<Sdk, 'capture'>): void {
  window.rtcdn = {
    get state() {
      return app.room?.session.state ?? app.state;
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
    tone: () => app.heard.tone(),
    loudest: hz => app.heard.tone(hz),
    get sizes() {
      return app.room?.frames.sizes ?? {};
    },
    get connections() {
      return app.room?.quality.receiving ?? [];
    },
    capture: () => sdk.capture({camera: true, microphone: true}),
    get figures() {
      return app.room?.quality.figures ?? null;
    },
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
