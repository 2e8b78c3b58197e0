// What is told of a session and its people: plain records.

export type Role = 'viewer' | 'speaker' | 'moderator';
export type Limit = 'auto' | 'high' | 'medium' | 'low' | 'audio';

/** A slot, whom it shows, and whether by camera or screen. */
export interface Seat {
  slot: string;
  participant: string;
  name: string;
  source: 'camera' | 'screen';
}

/** Who is on stage; `main` is the slot of the main speaker. */
export interface Stage {
  seats: Seat[];
  main: string;
}

/** A participant as others see him. */
export interface Person {
  participant: string;
  name: string;
  role: Role;
  hand: boolean;
  muted: boolean;
  /** On stage: heard, or could be. */
  live: boolean;
}

/** How many are here, and the first hundred of those who may speak. */
export interface Roster {
  total: number;
  viewers: number;
  hands: number;
  speakers: Person[];
}

/** Changes of who is here. */
export interface Presence {
  joined: Person[];
  left: string[];
  changed: Person[];
}

/** One raised hand, and for how many seconds it has been up. */
export interface RaisedHand {
  participant: string;
  name: string;
  sinceS: number;
}

/** The queue (moderators see all of it), and one's own place: 1 is next, 0 means that the hand is down. */
export interface Hands {
  queue: RaisedHand[];
  place: number;
}

/** A page of participants; `next` is the `after` of the next one, empty at the end. */
export interface Page {
  participants: Person[];
  total: number;
  next: string;
}

/** A message of the application; `to` is empty when it went to everybody. */
export interface Message {
  n: number;
  sender: string;
  name: string;
  to: string;
  topic: string;
  data: string;
}

/** What is received of one slot: layer 0 low, 1 medium, 2 high, -1 nothing, and why not more. */
export interface ReceivedVideo {
  slot: string;
  layer: number;
  /** `window`, `network`, `load`, `limit`, `hidden` or empty. */
  reason: string;
}

/** How good it is. */
export interface Quality {
  network: 'good' | 'fair' | 'poor';
  videos: ReceivedVideo[];
}

/** Figures of one stream: counters since its connection began, and what it is now. */
export interface StreamStatistics {
  mid: string;
  /** The slot that is received on it; empty for sound and for what is sent. */
  slot: string;
  direction: 'in' | 'out';
  kind: 'audio' | 'video';
  packets: number;
  lost: number;
  jitterMs: number;
  bytes: number;
  /** Pictures decoded, or encoded. */
  frames: number;
  dropped: number;
  freezes: number;
  freezeS: number;
  width: number;
  height: number;
  fps: number;
}

/** Figures of one connection. */
export interface ConnectionStatistics {
  connection: string;
  purpose: 'receive' | 'voice' | 'send';
  rttMs: number;
  streams: StreamStatistics[];
}

/** Figures of a session. */
export interface SessionStatistics {
  connections: ConnectionStatistics[];
  /** Pictures decoded by slot since the session began, over all connections that there were. */
  frames: Record<string, number>;
}

/** A camera, microphone or speaker. The label is empty as long as the person has allowed nothing. */
export interface Device {
  id: string;
  label: string;
}
