// What every `MediaPort` does. The fake passes it in node (media.test.ts), the real one in Chromium
// (media.chromium.ts).

import {RtcdnError} from './errors';
import {LAYERS} from './sending';
import type {Candidate, ElementSize, Figures, MediaPort, Peer, PeerState} from './media';

/** The other end of a peer: sends a picture and a tone on what is received, takes what is sent. */
export interface Far {
  answer(offer: string): Promise<string>;
  close(): void;
}

/** An implementation, with what the suite needs around it. */
export interface Bench {
  media: MediaPort;
  far(): Far;
  /** An element in view of 320x180. */
  element(): HTMLVideoElement;
  shown(element: HTMLVideoElement): MediaStreamTrack | null;
  resize(element: HTMLVideoElement, width: number, height: number): void;
  /** A track that ends by itself. */
  end(track: MediaStreamTrack): void;
  /** Device pixels of one of the page's. */
  ratio: number;
}

const PATIENCE_MS = 10_000;
const LOOK_MS = 25;

export function check(holds: boolean, words: string): void {
  if (!holds) throw new Error(words);
}

export async function until(words: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${words}`);
    await new Promise(resolve => setTimeout(resolve, LOOK_MS));
  }
}

/** A peer with what it told, and its far end. */
class Call {
  readonly states: PeerState[] = [];
  readonly candidates: (Candidate | null)[] = [];
  readonly peer: Peer;
  private readonly far: Far;

  constructor(bench: Bench, relayOnly = false) {
    this.far = bench.far();
    const state = (told: PeerState): void => void this.states.push(told);
    const candidate = (told: Candidate | null): void => void this.candidates.push(told);
    this.peer = bench.media.peer([], {state, candidate}, relayOnly);
  }

  /** Offer (`later`: look for candidates only then), answer, and wait for the connection; answers the offer. */
  async connect(later = false): Promise<string> {
    const offer = await this.peer.offer(later);
    check(!later || this.candidates.length === 0, 'nothing is looked for yet');
    if (later) await this.peer.gather([]);
    await this.peer.answer(await this.far.answer(offer));
    await until('connected', () => this.peer.state === 'connected');
    return offer;
  }

  async figures(mid: string, direction: 'in' | 'out'): Promise<Figures | undefined> {
    return (await this.peer.figures()).streams.find(each => each.mid === mid && each.direction === direction);
  }

  /** Wait until more frames (packets of sound) have gone over a line than have now. */
  async flows(mid: string, direction: 'in' | 'out'): Promise<void> {
    const count = async (): Promise<number> => {
      const figures = await this.figures(mid, direction);
      return (figures?.kind === 'video' ? figures.frames : figures?.packets) ?? 0;
    };
    const before = await count();
    await until(`media ${direction} on ${mid}`, async () => (await count()) > before);
  }

  close(): void {
    this.peer.close();
    this.far.close();
  }
}

const camera = async (bench: Bench): Promise<MediaStreamTrack> =>
  (await bench.media.capture({camera: true})).camera as MediaStreamTrack;

/** The suite: what must hold, and how to see it. */
export const SUITE: Record<string, (bench: Bench) => Promise<void>> = {
  async 'sound and videos are received, each on a line of its own'(bench) {
    const call = new Call(bench);
    const lines = [call.peer.receive('audio'), call.peer.receive('video', ['vp8', 'rtx']), call.peer.receive('video')];
    const offer = await call.connect();
    check((offer.match(/^m=video/gm) ?? []).length === 2, 'two videos are offered');
    check(!/^m=\w+ 0 /m.test(offer), 'no line has port 0: Janus takes it for a refusal');
    check((offer.match(/^a=recvonly/gm) ?? []).length === 3, 'nothing is sent');
    check(new Set(lines.map(each => each.mid)).size === 3, 'each line has a mid of its own');
    check(lines.map(each => each.track?.kind).join() === 'audio,video,video', 'each line has its track');
    for (const line of lines) await call.flows(line.mid, 'in');
    call.close();
  },

  async 'candidates are told, and their end'(bench) {
    const call = new Call(bench);
    call.peer.receive('audio');
    await call.connect();
    await until('the last candidate', () => call.candidates.includes(null));
    const [first] = call.candidates;
    check(/^candidate:/.test(first?.candidate ?? ''), 'a candidate is told as browsers write it');
    check(first?.mid !== undefined && first.line === 0, 'it names its medium');
    call.close();
  },

  async 'a camera is sent in layers, paused and gone on with'(bench) {
    const call = new Call(bench);
    const track = await camera(bench);
    const line = call.peer.send(track, LAYERS, ['vp8', 'rtx']);
    const offer = await call.connect();
    check(/^a=simulcast:send h;m;l/m.test(offer), 'three layers are offered');
    check(line.track === null, 'nothing is received on it');
    await call.flows(line.mid, 'out');
    await line.replace(null);
    let before = -1;
    await until('no more pictures', async () => {
      const now = (await call.figures(line.mid, 'out'))?.frames ?? 0;
      const same = now === before;
      before = now;
      await new Promise(resolve => setTimeout(resolve, 150));
      return same;
    });
    await line.replace(track);
    await call.flows(line.mid, 'out');
    track.stop();
    call.close();
  },

  async 'a second video is added to a connection that lives'(bench) {
    const call = new Call(bench);
    const [one, other] = [await camera(bench), await camera(bench)];
    const first = call.peer.send(one, LAYERS, ['vp8', 'rtx']);
    await call.connect();
    const {mid} = first;
    const second = call.peer.send(other, [], ['vp8', 'rtx']);
    check(!/^m=\w+ 0 /m.test(await call.connect()), 'no line has port 0: Janus takes it for a refusal');
    check(first.mid === mid && second.mid !== mid, 'the first line stays what it was');
    await call.flows(first.mid, 'out');
    await call.flows(second.mid, 'out');
    check(call.states.filter(each => each === 'connected').length === 1, 'it connects once');
    [one, other].forEach(each => each.stop());
    call.close();
  },

  async 'talking: nothing is encoded without a microphone'(bench) {
    const call = new Call(bench);
    const {microphone} = await bench.media.capture({microphone: true});
    const line = call.peer.talk(null);
    check(/^a=sendrecv/m.test(await call.connect()), 'sound is offered both ways');
    await call.flows(line.mid, 'in');
    check(((await call.figures(line.mid, 'out'))?.packets ?? 0) === 0, 'no packet goes out');
    await line.replace(microphone ?? null);
    await call.flows(line.mid, 'out');
    microphone?.stop();
    call.close();
  },

  async 'a closed peer tells nothing'(bench) {
    const call = new Call(bench);
    call.peer.receive('audio');
    await call.connect();
    const told = call.states.length;
    call.close();
    check(call.peer.state === 'closed', 'it is closed');
    check(call.states.length === told, 'nobody is told');
  },

  async 'an offer may be made before the servers are known'(bench) {
    const call = new Call(bench);
    call.peer.receive('audio');
    await call.connect(true);
    check(call.candidates.length > 0, 'candidates came after it');
    call.close();
  },

  async 'without a relay there is no candidate of one'(bench) {
    const call = new Call(bench, true);
    call.peer.receive('audio');
    await call.peer.offer();
    await until('the end of candidates', () => call.candidates.includes(null));
    check(call.candidates.length === 1, 'there is none');
    call.close();
  },

  async 'a device that is not there is a problem with a name'(bench) {
    const error: unknown = await bench.media.capture({camera: 'no-such-camera'}).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    check(error instanceof RtcdnError && error.reason === 'media-missing', `it is missing, not ${String(error)}`);
    check(error instanceof RtcdnError && error.cure !== '', 'it says what to do');
  },

  async 'devices are listed by kind'(bench) {
    const kinds = (await bench.media.devices()).map(each => each.kind);
    check(kinds.includes('videoinput') && kinds.includes('audioinput'), `both are there: ${kinds.join()}`);
  },

  async 'a camera is large enough for three layers'(bench) {
    const track = await camera(bench);
    const {width = 0, height = 0} = track.getSettings();
    check(track.kind === 'video' && width >= 960 && height >= 540, `${width}x${height}`);
    track.stop();
  },

  async 'sound is played, and another, and none'(bench) {
    const player = bench.media.player();
    const {microphone} = await bench.media.capture({microphone: true});
    check(await player.play(microphone ?? null), 'it plays');
    player.setVolume(0.5);
    player.setMuted(true);
    check(await player.play(null), 'silence always plays');
    player.close();
    microphone?.stop();
  },

  async 'an element shows a track, then another, then none'(bench) {
    const element = bench.element();
    const [one, other] = [await camera(bench), await camera(bench)];
    bench.media.show(element, one);
    check(bench.shown(element) === one, 'the first is shown');
    bench.media.show(element, other);
    check(bench.shown(element) === other, 'the second is shown');
    bench.media.show(element, null);
    check(bench.shown(element) === null, 'nothing is shown');
    [one, other].forEach(each => each.stop());
  },

  async 'the size of an element is told in device pixels'(bench) {
    const element = bench.element();
    let told: ElementSize = {width: 0, height: 0, visible: false};
    const unwatch = bench.media.watch(element, size => (told = size));
    await until('its size', () => told.width === 320 * bench.ratio && told.visible);
    bench.resize(element, 640, 360);
    await until('its new size', () => told.width === 640 * bench.ratio && told.height === 360 * bench.ratio);
    bench.resize(element, 0, 0);
    await until('that it is hidden', () => !told.visible);
    unwatch();
  },

  async 'a track that ends is told once'(bench) {
    const track = await camera(bench);
    let ends = 0;
    bench.media.ended(track, () => ends++);
    bench.end(track);
    bench.end(track);
    await until('its end', () => ends === 1);
    track.stop();
  },
};
