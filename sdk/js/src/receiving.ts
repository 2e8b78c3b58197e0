// What is received: the mix and one video per slot, over whichever connection carries them now.

import {Connection, GRACE_MS, passing} from './connection';
import type {Wiring} from './connection';
import {Handover} from './handover';
import type {Figures, Line} from './media';
import type {Media, OfferAnswer} from './messages';

const CODECS = ['vp8', 'h264', 'rtx']; // what sessions carry: a shorter offer
const LOOK_MS = 100;
const PATIENCE_MS = 2_500; // a new connection without pictures takes over after so long all the same

/** Whom receiving tells. */
export interface ReceivingListener {
  /** A slot has another track. */
  track(slot: string, track: MediaStreamTrack): void;
  sound(track: MediaStreamTrack | null): void;
  /** Slots that show somebody: their pictures are waited for. */
  seated(): readonly string[];
}

interface Reception {
  connection: Connection;
  audio: Line;
  videos: Line[];
  slots: Map<string, Line>;
}

/** The connection on which a participant receives. */
export class Receiving {
  readonly tracks = new Map<string, MediaStreamTrack>();
  private readonly sets: Handover<Reception>;
  private readonly shown = new Map<string, {of: Reception; frames: number}>();
  private readonly counted = new Map<string, number>();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private looking: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly wiring: Wiring,
    private readonly videos: number,
    private readonly listener: ReceivingListener,
  ) {
    this.sets = new Handover(wiring);
  }

  /** The offer that goes with a join; `joined` or `refused` follows. Its answer tells the ICE servers. */
  async greet(): Promise<string> {
    return this.sets.begin(this.make('')).connection.peer.offer(true);
  }

  /** The answer to the offer of the join; without one the gateway asks for a connection later. */
  async joined(answer: OfferAnswer | null): Promise<void> {
    const set = this.sets.next;
    if (!set || !answer) return;
    await set.connection.accept(answer);
    this.opened(set, answer.media);
  }

  /** Make a connection: the gateway asked for it, or (with an empty id) ours has failed. */
  async connect(id: string, iceServers?: readonly RTCIceServer[]): Promise<void> {
    if (id && this.sets.next?.connection.id === id) return; // asked once more after a resume
    clearTimeout(this.retry);
    const set = this.sets.begin(this.make(id, iceServers));
    try {
      this.opened(set, (await set.connection.open(() => ({}))).media);
    } catch (error) {
      if (this.sets.next !== set) return; // given up for a newer one
      this.sets.drop(set);
      this.wiring.problem(error);
      if (passing(error)) this.again();
    }
  }

  ended(id: string): void {
    const set = this.sets.all().find(each => each.connection.id === id);
    if (set && set === this.sets.current && this.sets.next?.connection.connected) this.takeOver();
    this.sets.ended(id);
  }

  connections(): Connection[] {
    return this.sets.all().map(each => each.connection);
  }

  /** The slot that a connection shows at a mid; empty for sound. */
  slotOf(connection: Connection, mid: string): string {
    const set = this.sets.all().find(each => each.connection === connection);
    return [...(set?.slots ?? [])].find(([, line]) => line.mid === mid)?.[0] ?? '';
  }

  /** Count the pictures decoded by slot, over all connections that there were. */
  count(connection: Connection, streams: readonly Figures[]): void {
    for (const [slot, shown] of this.shown) {
      const line = shown.of.slots.get(slot);
      if (shown.of.connection !== connection || !line) continue;
      const frames = streams.find(each => each.mid === line.mid)?.frames ?? 0;
      this.counted.set(slot, (this.counted.get(slot) ?? 0) + Math.max(frames - shown.frames, 0));
      shown.frames = Math.max(frames, shown.frames);
    }
  }

  get frames(): Record<string, number> {
    return Object.fromEntries(this.counted);
  }

  close(): void {
    clearTimeout(this.retry);
    clearTimeout(this.looking);
    this.sets.close();
  }

  private make(id: string, iceServers?: readonly RTCIceServer[]): Reception {
    const failed = (): void => {
      const lost = set === this.sets.current ? !this.sets.next : set === this.sets.next;
      if (lost) void this.connect('');
    };
    const connected = (): void => {
      if (set === this.sets.next) this.look(set, 0);
    };
    const connection = new Connection(this.wiring, 'receive', id, {connected, failed}, iceServers);
    const audio = connection.peer.receive('audio');
    const videos = Array.from({length: this.videos}, () => connection.peer.receive('video', CODECS));
    const set: Reception = {connection, audio, videos, slots: new Map()};
    return set;
  }

  private opened(set: Reception, media: readonly Media[] = []): void {
    for (const {mid, slot} of media) {
      const line = set.videos.find(each => each.mid === mid);
      if (line && slot) set.slots.set(slot, line);
    }
    if (set !== this.sets.next) return;
    if (!this.sets.current) this.takeOver();
    else if (set.connection.connected) this.look(set, 0);
  }

  /** Look until each slot with somebody has a picture on the new connection; show those that have one. */
  private look(set: Reception, waitedMs: number): void {
    clearTimeout(this.looking);
    const looking = (this.looking = setTimeout(async () => {
      const {streams} = await set.connection.peer.figures().catch(() => ({streams: [] as Figures[]}));
      if (this.looking !== looking || set !== this.sets.next || set.connection.closed) return;
      const flows = (mid: string): boolean => {
        const now = streams.find(each => each.mid === mid && each.direction === 'in');
        return now !== undefined && (now.kind === 'video' ? now.frames : now.packets) > 0;
      };
      const flowing = [...set.slots].filter(([, line]) => flows(line.mid)).map(([slot]) => slot);
      for (const slot of flowing) this.show(set, slot);
      const waiting = this.listener.seated().filter(slot => set.slots.has(slot) && this.shown.get(slot)?.of !== set);
      const sound = flows(set.audio.mid);
      if ((waiting.length === 0 && (sound || flowing.length > 0)) || waitedMs >= PATIENCE_MS) this.takeOver();
      else this.look(set, waitedMs + LOOK_MS);
    }, LOOK_MS));
  }

  private takeOver(): void {
    const set = this.sets.next;
    if (!set) return;
    clearTimeout(this.looking);
    for (const slot of set.slots.keys()) this.show(set, slot);
    this.listener.sound(set.audio.track);
    this.sets.complete();
  }

  private show(set: Reception, slot: string): void {
    const track = set.slots.get(slot)?.track;
    if (!track || this.shown.get(slot)?.of === set) return;
    this.shown.set(slot, {of: set, frames: 0});
    this.tracks.set(slot, track);
    this.listener.track(slot, track);
  }

  private again(): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.connect(''), GRACE_MS);
  }
}
