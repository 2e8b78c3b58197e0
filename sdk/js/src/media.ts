// Everything of the browser's media that the SDK touches, behind one interface. `browser.ts` is the real one,
// `media.fake.ts` the one of tests; both pass `media.suite.ts`.

/** State of a peer, as RTCPeerConnection names it. */
export type PeerState = RTCPeerConnectionState;

/** One ICE candidate of ours. */
export interface Candidate {
  candidate: string;
  mid: string;
  line: number;
}

/** A layer of a video that is sent: 1 is the whole picture, 2 half its width and height. */
export interface Layer {
  rid: string;
  scale: number;
  maxBitrate: number;
}

/** Figures of one stream, as the wire has them. */
export interface Figures {
  mid: string;
  direction: 'in' | 'out';
  kind: 'audio' | 'video';
  packets: number;
  lost: number;
  jitter_ms: number;
  bytes: number;
  frames: number;
  dropped: number;
  freezes: number;
  freeze_s: number;
  width: number;
  height: number;
  fps: number;
}

/** One medium of a peer. */
export interface Line {
  /** Empty before the first offer. */
  readonly mid: string;
  /** What comes in on it; null on a line that only sends. */
  readonly track: MediaStreamTrack | null;
  /** Send another track, or nothing, without renegotiation. */
  replace(track: MediaStreamTrack | null): Promise<void>;
}

/** What a peer tells. */
export interface PeerListener {
  state(state: PeerState): void;
  /** Null: there are no more. */
  candidate(candidate: Candidate | null): void;
}

/** A peer connection that always writes the offer. */
export interface Peer {
  readonly state: PeerState;
  /** A medium that is only received, in one of the codecs named (lower case; all of them where none is). */
  receive(kind: 'audio' | 'video', codecs?: readonly string[]): Line;
  /** A video that is only sent, in these layers (one plain stream where there are none). */
  send(track: MediaStreamTrack | null, layers: readonly Layer[], codecs: readonly string[]): Line;
  /** Sound both ways; without a track nothing is encoded. */
  talk(track: MediaStreamTrack | null): Line;
  /** Make an offer and take it as the local description; `later`: only `gather` does that. */
  offer(later?: boolean): Promise<string>;
  /** Look for candidates by these servers, after an offer that left it for later. */
  gather(iceServers: readonly RTCIceServer[]): Promise<void>;
  answer(sdp: string): Promise<void>;
  figures(): Promise<{rttMs: number; streams: Figures[]}>;
  close(): void;
}

/** Where sound is played. */
export interface Player {
  /** Play this track (null: nothing); false when the browser wants a click first. */
  play(track: MediaStreamTrack | null): Promise<boolean>;
  setVolume(volume: number): void;
  setMuted(muted: boolean): void;
  setOutput(deviceId: string): Promise<void>;
  close(): void;
}

/** Which devices to open; true is any, a text is a device's id. */
export interface CaptureWish {
  camera?: boolean | string;
  microphone?: boolean | string;
}

/** What was opened. */
export interface Captured {
  camera?: MediaStreamTrack;
  microphone?: MediaStreamTrack;
}

/** How large an element is on the screen, in device pixels. */
export interface ElementSize {
  width: number;
  height: number;
  visible: boolean;
}

/** The browser's media. */
export interface MediaPort {
  peer(iceServers: readonly RTCIceServer[], listener: PeerListener, relayOnly?: boolean): Peer;
  /** Opens devices, or throws a `MediaProblem`. */
  capture(wish: CaptureWish): Promise<Captured>;
  captureScreen(): Promise<MediaStreamTrack>;
  devices(): Promise<{kind: MediaDeviceKind; id: string; label: string}[]>;
  player(element?: HTMLAudioElement): Player;
  /** Show a track in an element (null: empty it). */
  show(element: HTMLVideoElement, track: MediaStreamTrack | null): void;
  /** Tell an element's size now and whenever it or its visibility changes; the answer ends it. */
  watch(element: HTMLVideoElement, listener: (size: ElementSize) => void): () => void;
  /** Call once when a track ends by itself (its device is gone, the person stopped sharing). */
  ended(track: MediaStreamTrack, listener: () => void): void;
}
