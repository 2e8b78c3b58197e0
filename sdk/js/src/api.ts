// The public face of the SDK: what an application sees of a session.

import type {RtcdnError} from './errors';
import type {Hands, Limit, Message, Page, Presence, Quality, Role, Roster, SessionStatistics, Stage} from './facts';
import type {MediaPort} from './media';
import type {ReconnectPolicy} from './policy';
import type {TransportPort} from './transport';

export * from './facts';

/** What happens in a session; `session.on(Event.Stage, ({seats}) => ...)`. */
export enum Event {
  /** The connection to the gateway: connecting, live, reconnecting, closed. Media go on while it is reconnecting. */
  State = 'state',
  /** Who is shown in which slot, and which slot is the main speaker's. */
  Stage = 'stage',
  /** How many are here, and who may speak. */
  Roster = 'roster',
  /** Who came, went or changed; in large sessions only moderators are told. */
  Presence = 'presence',
  /** Raised hands: the queue (moderators) and one's own place in it. */
  Hands = 'hands',
  /** One's own role, and whether one is on stage. */
  Role = 'role',
  /** Who talks now. */
  Talking = 'talking',
  /** One's own microphone was muted or unmuted, by oneself or by a moderator. */
  Muted = 'muted',
  /** How good the network is, and which quality of each video is received. */
  Quality = 'quality',
  /** A message of the application. */
  Data = 'data',
  /** The video of a slot has another track: show that one. `attach` does it by itself. */
  Track = 'track',
  /** Sound may only start after a click; call `startAudio` in one. `blocked: false` once it plays. */
  AudioBlocked = 'audio-blocked',
  /** Figures of all connections, every two seconds. */
  Statistics = 'statistics',
  /** Something failed that nobody was waiting for, and that did not end the session. */
  Problem = 'problem',
  /** It is over for good, and why: left, removed, taken-over, closed, expired, connection-lost or a problem's kind. */
  Closed = 'closed',
}

/** The connection to the gateway. */
export enum State {
  Connecting = 'connecting',
  Live = 'live',
  Reconnecting = 'reconnecting',
  Closed = 'closed',
}

/** What listeners are told, by event. */
export interface EventDetail {
  [Event.State]: {state: State; before: State; attempt: number; error?: RtcdnError};
  [Event.Stage]: Stage;
  [Event.Roster]: Roster;
  [Event.Presence]: Presence;
  [Event.Hands]: Hands;
  [Event.Role]: {role: Role; live: boolean; by: string; reason: string};
  [Event.Talking]: ReadonlySet<string>;
  [Event.Muted]: {on: boolean; by: string};
  [Event.Quality]: Quality;
  [Event.Data]: Message;
  [Event.Track]: {slot: string; track: MediaStreamTrack};
  [Event.AudioBlocked]: {blocked: boolean};
  [Event.Statistics]: SessionStatistics;
  [Event.Problem]: RtcdnError;
  [Event.Closed]: {reason: string; by: string; detail: string};
}

/** Open devices. They stay the application's: the SDK switches them on and off but stops none. */
export interface LocalTracks {
  camera?: MediaStreamTrack;
  microphone?: MediaStreamTrack;
}

/** How to join. */
export interface ConnectOptions {
  /** The session, where the token has none. */
  session?: string;
  /** The name that others see. */
  name?: string;
  reconnect?: Partial<ReconnectPolicy>;
  /** Devices that are open already: once promoted one is live at once. */
  tracks?: LocalTracks;
  /** How many videos to receive at most, 5 where not said: four speakers and a screen. */
  videos?: number;
  /** Round trips by region in milliseconds, from `prejoin`: the nearest region serves. */
  measuredRtt?: Record<string, number>;
  /** Further entries of the deployment, tried in turn when the first is away; the gateway names others. */
  entries?: readonly string[];
  /** ICE servers for the first connection; where not said, those that the gateway names at the join. */
  iceServers?: readonly RTCIceServer[];
  /** Media by TURN servers alone: to see that these work. */
  relayOnly?: boolean;
  /** For tests: the browser's media, the network, a clock in milliseconds. */
  media?: MediaPort;
  transport?: TransportPort;
  now?: () => number;
}

/** A session that one has joined. */
export interface Session {
  /** The session's id. */
  readonly id: string;
  /** One's own id, and the name that others see. */
  readonly participant: string;
  readonly name: string;
  readonly role: Role;
  readonly rights: readonly string[];
  readonly region: string;
  readonly state: State;
  /** On stage: heard, and seen if there is a camera. */
  readonly live: boolean;
  readonly muted: boolean;
  readonly handUp: boolean;
  readonly stage: Stage;
  readonly roster: Roster;
  readonly hands: Hands;
  readonly talking: ReadonlySet<string>;
  /** The slots that there can be, and the remote video of those received. */
  readonly slots: readonly string[];
  readonly tracks: ReadonlyMap<string, MediaStreamTrack>;
  readonly localTracks: LocalTracks;
  readonly screen: MediaStreamTrack | null;
  readonly audioBlocked: boolean;

  /** Listen; the answer ends it. */
  on<E extends Event>(event: E, listener: (detail: EventDetail[E]) => void): () => void;
  /** May one do that? `publish`: go on stage by oneself. */
  can(what: 'publish' | 'raise-hand' | 'moderate'): boolean;

  /** Show a slot in an element; the quality follows the element's size and visibility. The answer ends it. */
  attach(slot: string, element: HTMLVideoElement): () => void;
  /** Play the sound in this element, not in one of the SDK's own. */
  attachAudio(element?: HTMLAudioElement): void;
  /** From 0 to 1. */
  setVolume(volume: number): void;
  setAudioOutput(deviceId: string): Promise<void>;
  /** Start the sound, in a click, after `Event.AudioBlocked`. */
  startAudio(): Promise<void>;

  /** Have devices ready: once promoted one is live at once. */
  prepare(tracks: LocalTracks): Promise<void>;
  /** Go on stage. Without tracks those prepared are used; without these camera and microphone are opened. */
  publish(tracks?: LocalTracks, options?: {muted?: boolean}): Promise<void>;
  /** Leave the stage, stay in the session. */
  unpublish(): Promise<void>;
  setCamera(track: MediaStreamTrack | null): Promise<void>;
  setMicrophone(track: MediaStreamTrack | null): Promise<void>;
  /** Show one's screen; without a track the browser asks which one. */
  shareScreen(track?: MediaStreamTrack): Promise<void>;
  stopScreen(): Promise<void>;

  /** Mute oneself, or as a moderator another. */
  mute(on: boolean, participant?: string): Promise<void>;
  /** Raise or lower one's hand; a moderator lowers another's. */
  raiseHand(up?: boolean, participant?: string): Promise<void>;
  promote(participant: string): Promise<void>;
  demote(participant: string): Promise<void>;
  remove(participant: string, reason?: string): Promise<void>;

  /** Whom one would like to see (up to 16): where more publish than there are slots, the most wanted get those left. */
  watch(participants: readonly string[]): void;
  /** The most that shall be received. */
  setQuality(limit: Limit): Promise<void>;
  participants(query?: {after?: string; limit?: number; search?: string}): Promise<Page>;
  /** Send a text to everybody or to one; answers its number. */
  send(data: string, options?: {topic?: string; to?: string}): Promise<number>;
  statistics(): Promise<SessionStatistics>;
  leave(): Promise<void>;
}
