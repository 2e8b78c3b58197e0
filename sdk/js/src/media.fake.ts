// Media without a browser, for tests: what a peer does is seen, and told to happen.

import {MediaProblem} from './errors';
import type {CaptureWish, Captured, ElementSize, Figures, Layer, Line, MediaPort} from './media';
import type {Peer, PeerListener, PeerState, Player} from './media';

let ids = 0;

/** A track that remembers what was done to it. */
export class FakeTrack {
  readonly id = `track-${++ids}`;
  enabled = true;
  readyState = 'live';
  contentHint = '';
  size = {width: 1280, height: 720};
  private listeners: (() => void)[] = [];

  constructor(readonly kind: 'audio' | 'video') {}

  stop(): void {
    this.readyState = 'ended';
  }

  getSettings(): MediaTrackSettings {
    return this.kind === 'video' ? this.size : {};
  }

  /** It ends by itself. */
  end(): void {
    this.stop();
    for (const each of this.listeners.splice(0)) each();
  }

  onEnd(listener: () => void): void {
    this.listeners.push(listener);
  }
}

/** A track, typed as what the SDK takes. */
export const fakeTrack = (kind: 'audio' | 'video'): MediaStreamTrack =>
  new FakeTrack(kind) as unknown as MediaStreamTrack;
export const asFake = (track: MediaStreamTrack): FakeTrack => track as unknown as FakeTrack;

/** One medium of a fake peer. */
export class FakeLine implements Line {
  mid = '';
  readonly track: MediaStreamTrack | null;
  counts = {in: 0, out: 0};
  /** Does the other end send on it? */
  fed = false;

  constructor(
    readonly kind: 'audio' | 'video',
    readonly direction: 'recvonly' | 'sendonly' | 'sendrecv',
    public sent: MediaStreamTrack | null = null,
    readonly layers: readonly Layer[] = [],
  ) {
    this.track = direction === 'sendonly' ? null : fakeTrack(kind);
  }

  async replace(track: MediaStreamTrack | null): Promise<void> {
    this.sent = track;
  }
}

/** A peer whose fate is decided by its test. */
export class FakePeer implements Peer {
  state: PeerState = 'new';
  readonly lines: FakeLine[] = [];
  readonly answers: string[] = [];
  offers = 0;
  private gathered = false;

  constructor(
    public iceServers: readonly RTCIceServer[],
    private readonly listener: PeerListener,
    readonly relayOnly: boolean,
    private readonly media: FakeMedia,
  ) {}

  receive(kind: 'audio' | 'video'): Line {
    return this.add(new FakeLine(kind, 'recvonly'));
  }

  send(track: MediaStreamTrack | null, layers: readonly Layer[]): Line {
    return this.add(new FakeLine('video', 'sendonly', track, layers));
  }

  talk(track: MediaStreamTrack | null): Line {
    return this.add(new FakeLine('audio', 'sendrecv', track));
  }

  async offer(later = false): Promise<string> {
    this.lines.forEach((line, index) => (line.mid = String(index)));
    this.offers++;
    if (!later) await this.gather(this.iceServers);
    return ['v=0', ...this.lines.flatMap(describe)].join('\r\n');
  }

  async answer(sdp: string): Promise<void> {
    this.answers.push(sdp);
    const fed = new Set([...sdp.matchAll(/^a=fed:(\S+)/gm)].map(([, mid]) => mid));
    for (const line of this.lines) line.fed = fed.has(line.mid);
    if (this.state === 'new' && this.media.connects) this.become('connected');
  }

  async figures(): Promise<{rttMs: number; streams: Figures[]}> {
    const streams: Figures[] = [];
    for (const line of this.state === 'connected' ? this.lines : []) {
      if (line.fed && this.media.flows && line.track) streams.push(figures(line, 'in'));
      if (line.sent) streams.push(figures(line, 'out'));
    }
    return {rttMs: 20, streams};
  }

  close(): void {
    this.state = 'closed';
  }

  /** It connects, fails, ... */
  become(state: PeerState): void {
    if (this.state === 'closed' || this.state === state) return;
    this.state = state;
    this.listener.state(state);
  }

  private add(line: FakeLine): FakeLine {
    this.lines.push(line);
    return line;
  }

  async gather(iceServers: readonly RTCIceServer[]): Promise<void> {
    if (this.gathered) return;
    [this.gathered, this.iceServers] = [true, iceServers];
    queueMicrotask(() => this.find());
  }

  private find(): void {
    if (this.state === 'closed') return;
    const candidate = 'candidate:1 1 udp 1 192.0.2.1 9 typ host';
    if (!this.relayOnly) this.listener.candidate({candidate, mid: '0', line: 0});
    this.listener.candidate(null);
  }
}

function describe(line: FakeLine): string[] {
  const layers = line.layers.length ? [`a=simulcast:send ${line.layers.map(each => each.rid).join(';')}`] : [];
  return [`m=${line.kind} 9 UDP/TLS/RTP/SAVPF 96`, `a=mid:${line.mid}`, `a=${line.direction}`, ...layers];
}

/** Each look finds some more. */
function figures(line: FakeLine, direction: 'in' | 'out'): Figures {
  const count = (line.counts[direction] += 5);
  const still = {lost: 0, jitter_ms: 1, dropped: 0, freezes: 0, freeze_s: 0};
  const seen = line.kind === 'video';
  const picture = {frames: seen ? count : 0, width: seen ? 640 : 0, height: seen ? 360 : 0, fps: seen ? 30 : 0};
  return {mid: line.mid, direction, kind: line.kind, packets: count, bytes: count * 100, ...still, ...picture};
}

/** What another end that feeds all that is received answers. */
export function fakeAnswer(offer: string): string {
  const received = offer.split(/^m=/m).slice(1).filter(each => !/^a=sendonly/m.test(each));
  return ['v=0', ...received.map(each => `a=fed:${/^a=mid:(\S+)/m.exec(each)?.[1]}`)].join('\r\n');
}

/** An element of so many pixels. */
export class FakeElement {
  shown: MediaStreamTrack | null = null;
  size: ElementSize = {width: 320, height: 180, visible: true};
  listener: ((size: ElementSize) => void) | null = null;

  resize(width: number, height: number): void {
    this.size = {width, height, visible: width > 0 && height > 0};
    this.listener?.(this.size);
  }
}

export const asElement = (element: FakeElement): HTMLVideoElement => element as unknown as HTMLVideoElement;
const fakeElement = (element: HTMLVideoElement): FakeElement => element as unknown as FakeElement;

/** A player that plays when it may. */
export class FakePlayer implements Player {
  playing: MediaStreamTrack | null = null;
  volume = 1;
  muted = false;
  output = '';

  constructor(private readonly media: FakeMedia) {}

  async play(track: MediaStreamTrack | null): Promise<boolean> {
    this.playing = track;
    return track === null || this.media.mayPlay;
  }
  setVolume(volume: number): void {
    this.volume = volume;
  }
  setMuted(muted: boolean): void {
    this.muted = muted;
  }
  async setOutput(deviceId: string): Promise<void> {
    this.output = deviceId;
  }
  close(): void {
    this.playing = null;
  }
}

/** `MediaPort` without a browser. */
export class FakeMedia implements MediaPort {
  readonly peers: FakePeer[] = [];
  readonly players: FakePlayer[] = [];
  /** Do peers connect once they are answered? Do pictures flow then? May sound be played without a click? */
  connects = true;
  flows = true;
  mayPlay = true;

  peer(iceServers: readonly RTCIceServer[], listener: PeerListener, relayOnly = false): FakePeer {
    const peer = new FakePeer(iceServers, listener, relayOnly, this);
    this.peers.push(peer);
    return peer;
  }

  async capture({camera, microphone}: CaptureWish): Promise<Captured> {
    for (const [device, wish] of [['camera', camera], ['microphone', microphone]] as const) {
      if (typeof wish === 'string') throw new MediaProblem('media-missing', device, 'there is none', 'choose another');
    }
    return {...(camera ? {camera: fakeTrack('video')} : {}), ...(microphone ? {microphone: fakeTrack('audio')} : {})};
  }

  async captureScreen(): Promise<MediaStreamTrack> {
    return fakeTrack('video');
  }

  async devices(): Promise<{kind: MediaDeviceKind; id: string; label: string}[]> {
    const kinds = ['videoinput', 'audioinput', 'audiooutput'] as const;
    return kinds.map(kind => ({kind, id: kind, label: `fake ${kind}`}));
  }

  player(): FakePlayer {
    const player = new FakePlayer(this);
    this.players.push(player);
    return player;
  }

  show(element: HTMLVideoElement, track: MediaStreamTrack | null): void {
    fakeElement(element).shown = track;
  }

  watch(element: HTMLVideoElement, listener: (size: ElementSize) => void): () => void {
    const fake = fakeElement(element);
    fake.listener = listener;
    listener(fake.size);
    return () => (fake.listener = null);
  }

  ended(track: MediaStreamTrack, listener: () => void): void {
    asFake(track).onEnd(listener);
  }
}
