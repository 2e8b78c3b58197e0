// One's own camera and microphone: which are open, which are wanted, what went wrong.

import type {Device, LocalTracks} from '../src/index';
import {memory} from './dom';
import type {Sdk} from './sdk';
import {type Words, wordsOf, wordsOfError} from './words';

/** The two kinds that are opened. */
export type Kind = 'camera' | 'microphone';
const KINDS: readonly Kind[] = ['camera', 'microphone'];

/** Devices of this page. Listeners are called whenever something changed. */
export class Devices {
  camera: MediaStreamTrack | null = null;
  microphone: MediaStreamTrack | null = null;
  lists: {cameras: Device[]; microphones: Device[]; speakers: Device[]} = {cameras: [], microphones: [], speakers: []};
  problem: Words | null = null;
  /** Microphone off before one is on stage. */
  muted = false;
  busy = false;
  /** Told of a device that went away by itself; `problem` says which. */
  gone: (() => void) | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly sdk: Sdk) {
    navigator.mediaDevices?.addEventListener?.('devicechange', () => void this.list());
  }

  /** Call when something changed; the answer ends it. */
  watch(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Open tracks, for the SDK. */
  get tracks(): LocalTracks {
    return {...(this.camera ? {camera: this.camera} : {}), ...(this.microphone ? {microphone: this.microphone} : {})};
  }

  get open(): boolean {
    return this.camera !== null || this.microphone !== null;
  }

  /** Open what is wanted and not open; when both do not go, each alone. */
  async start(kinds: readonly Kind[] = KINDS): Promise<boolean> {
    const wanted = kinds.filter(kind => this[kind] === null);
    this.problem = null;
    if (wanted.length === 0) return true;
    this.busy = true;
    this.changed();
    if (!navigator.mediaDevices) this.problem = wordsOf('media-insecure');
    else if (!(await this.tryOpen(wanted)) && wanted.length > 1) await this.tryEach(wanted);
    this.busy = false;
    await this.list();
    return wanted.every(kind => this[kind] !== null);
  }

  /** Close one or both: their lights go out. */
  stop(kinds: readonly Kind[] = KINDS): void {
    for (const kind of kinds) {
      this[kind]?.stop();
      this[kind] = null;
    }
    this.changed();
  }

  /** Use another device of a kind, and remember it. */
  async choose(kind: Kind, id: string): Promise<boolean> {
    memory.set(kind, id);
    this.stop([kind]);
    return this.start([kind]);
  }

  /** Switch the microphone's sound off or on, before going on stage. */
  mute(on: boolean): void {
    this.muted = on;
    if (this.microphone) this.microphone.enabled = !on;
    this.changed();
  }

  /** Each alone; when none opens, what was wrong with both is the problem. */
  private async tryEach(kinds: readonly Kind[]): Promise<void> {
    const both = this.problem;
    for (const kind of kinds) await this.tryOpen([kind]);
    if (!this.open) this.problem = both;
  }

  private async tryOpen(kinds: readonly Kind[]): Promise<boolean> {
    const wish = (kind: Kind): boolean | string => kinds.includes(kind) && (memory.get(kind) || true);
    try {
      this.take(await this.sdk.capture({camera: wish('camera'), microphone: wish('microphone')}));
      return true;
    } catch (error) {
      const remembered = kinds.filter(kind => memory.get(kind));
      if (remembered.length > 0 && isGone(error)) {
        for (const kind of remembered) memory.set(kind, '');
        return this.tryOpen(kinds);
      }
      this.problem = wordsOfDevice(error, kinds);
      return false;
    }
  }

  private take(tracks: LocalTracks): void {
    for (const kind of KINDS) {
      const track = tracks[kind];
      if (!track) continue;
      this[kind] = track;
      track.addEventListener('ended', () => this.ended(kind, track));
    }
    if (this.microphone) this.microphone.enabled = !this.muted;
  }

  /** A device went away by itself. */
  private ended(kind: Kind, track: MediaStreamTrack): void {
    if (this[kind] !== track) return;
    this[kind] = null;
    this.problem = {...wordsOf('media-gone'), title: `Your ${NAMES[kind]} is gone`};
    this.changed();
    this.gone?.();
  }

  private async list(): Promise<void> {
    try {
      this.lists = await this.sdk.devices();
    } catch {
      // no list: what is open stays
    }
    this.changed();
  }

  private changed(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/** A remembered device may be unplugged: any other one will do. */
function isGone(error: unknown): boolean {
  const reason = (error as {reason?: string}).reason;
  return reason === 'media-missing' || reason === 'media-failed';
}

const NAMES: Record<Kind, string> = {camera: 'camera', microphone: 'microphone'};

/** Words that name the one device that failed. */
function wordsOfDevice(error: unknown, kinds: readonly Kind[]): Words {
  const words = wordsOfError(error);
  const [only] = kinds;
  if (kinds.length !== 1 || !only) return words;
  const name = NAMES[only];
  const named = (text: string): string =>
    text
      .replace('Camera and microphone are', `Your ${name} is`)
      .replace(/^No camera or microphone/, `No ${name}`)
      .replace(/^The camera or microphone/, `The ${name}`);
  return {...words, title: named(words.title)};
}
