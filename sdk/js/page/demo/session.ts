// A session that nobody else is in: it says what a state of the demo wants said, and does what it is asked.

import type {EventDetail, Hands, Limit, LocalTracks, Message, Page, Person} from '../../src/index';
import type {Role, Roster, Session, SessionStatistics, Stage} from '../../src/index';
import {Event, State} from '../../src/index';
import {microphone, person} from './pictures';

/** What a state of the demo sets. */
export type Facts = Partial<Omit<FakeSession, 'on' | 'tell'>>;

/** `Session` without a network. */
export class FakeSession implements Session {
  readonly id = 'town-hall';
  participant = 'me';
  name = 'Ines Duarte';
  role: Role = 'viewer';
  rights: readonly string[] = ['view'];
  region = 'eu-central';
  state = State.Live;
  live = false;
  muted = false;
  handUp = false;
  stage: Stage = {seats: [], main: 'v1'};
  roster: Roster = {total: 0, viewers: 0, hands: 0, speakers: []};
  hands: Hands = {queue: [], place: 0};
  talking: ReadonlySet<string> = new Set();
  slots: readonly string[] = ['v1', 'v2', 'v3', 'v4', 's1'];
  tracks: Map<string, MediaStreamTrack> = new Map();
  localTracks: LocalTracks = {};
  screen: MediaStreamTrack | null = null;
  audioBlocked = false;
  people: Person[] = [];
  private n = 100;
  private readonly listeners = new Map<Event, Set<(detail: never) => void>>();

  constructor(facts: Facts = {}) {
    Object.assign(this, facts);
  }

  on<E extends Event>(event: E, listener: (detail: EventDetail[E]) => void): () => void {
    const all = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, all.add(listener as (detail: never) => void));
    return () => all.delete(listener as (detail: never) => void);
  }

  /** Tell the page an event, once it has set what it says. */
  tell<E extends Event>(event: E, detail: EventDetail[E], facts: Facts = {}): void {
    Object.assign(this, facts);
    for (const listener of this.listeners.get(event) ?? []) (listener as (detail: EventDetail[E]) => void)(detail);
  }

  can(what: 'publish' | 'raise-hand' | 'moderate'): boolean {
    if (what === 'moderate') return this.role === 'moderator';
    if (what === 'raise-hand') return this.role === 'viewer' && this.rights.includes('speak');
    return this.rights.includes('publish') || this.role !== 'viewer';
  }

  attach(slot: string, element: HTMLVideoElement): () => void {
    const track = this.tracks.get(slot);
    if (track) {
      element.srcObject = new MediaStream([track]);
      element.play().catch(() => undefined);
    }
    return () => {
      element.srcObject = null;
    };
  }

  attachAudio(element?: HTMLAudioElement): void {
    if (!element || this.audioBlocked) return;
    element.srcObject = new MediaStream([microphone()]);
    element.play().catch(() => undefined);
  }

  setVolume(): void {}
  async setAudioOutput(): Promise<void> {}

  async startAudio(): Promise<void> {
    this.tell(Event.AudioBlocked, {blocked: false}, {audioBlocked: false});
  }

  async prepare(tracks: LocalTracks): Promise<void> {
    this.localTracks = tracks;
  }

  async publish(tracks: LocalTracks = this.localTracks, options: {muted?: boolean} = {}): Promise<void> {
    const seats = [
      ...this.stage.seats, {slot: 'v3', participant: this.participant, name: this.name, source: 'camera' as const},
    ];
    const facts: Facts = {
      live: true,
      muted: options.muted ?? false,
      localTracks: tracks,
      stage: {...this.stage, seats},
    };
    this.tell(Event.Role, {role: this.role, live: true, by: this.participant, reason: ''}, facts);
    this.tell(Event.Stage, this.stage);
  }

  async unpublish(): Promise<void> {
    const seats = this.stage.seats.filter(seat => seat.participant !== this.participant);
    this.tell(
      Event.Role,
      {role: this.role, live: false, by: this.participant, reason: ''},
      {live: false, localTracks: {}, screen: null, stage: {...this.stage, seats}},
    );
    this.tell(Event.Stage, this.stage);
  }

  async setCamera(track: MediaStreamTrack | null): Promise<void> {
    const {camera: _, ...rest} = this.localTracks;
    this.localTracks = track ? {...rest, camera: track} : rest;
  }

  async setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    const {microphone: _, ...rest} = this.localTracks;
    this.localTracks = track ? {...rest, microphone: track} : rest;
  }

  async shareScreen(track?: MediaStreamTrack): Promise<void> {
    this.screen = track ?? person(0);
    const seats = [
      ...this.stage.seats, {slot: 's1', participant: this.participant, name: this.name, source: 'screen' as const},
    ];
    this.tell(Event.Stage, {...this.stage, seats}, {stage: {...this.stage, seats}});
  }

  async stopScreen(): Promise<void> {
    const seats = this.stage.seats.filter(seat => seat.slot !== 's1');
    this.tell(Event.Stage, {...this.stage, seats}, {screen: null, stage: {...this.stage, seats}});
  }

  async mute(on: boolean, participant = ''): Promise<void> {
    if (!participant) this.tell(Event.Muted, {on, by: this.participant}, {muted: on});
  }

  async raiseHand(up = true, participant = ''): Promise<void> {
    if (participant) return this.tell(
      Event.Hands,
      this.hands,
      {hands: {...this.hands, queue: this.hands.queue.filter(each => each.participant !== participant)}},
    );
    this.tell(Event.Hands, this.hands, {handUp: up, hands: {queue: [], place: up ? 2 : 0}});
  }

  async promote(participant: string): Promise<void> {
    await this.raiseHand(false, participant);
  }

  async demote(): Promise<void> {}

  async remove(participant: string): Promise<void> {
    const speakers = this.roster.speakers.filter(each => each.participant !== participant);
    this.tell(Event.Roster, {...this.roster, speakers}, {roster: {...this.roster, speakers}});
  }

  watch(_participants: readonly string[]): void {}

  async setQuality(_limit: Limit): Promise<void> {}

  async participants({search = ''}: {search?: string} = {}): Promise<Page> {
    const found = this.people.filter(each => each.name.toLowerCase().includes(search.toLowerCase()));
    return {participants: found, total: search ? found.length : this.roster.total, next: search ? '' : 'x'};
  }

  async send(data: string, {topic = ''} = {}): Promise<number> {
    const message: Message = {n: ++this.n, sender: this.participant, name: this.name, to: '', topic, data};
    this.tell(Event.Data, message);
    return message.n;
  }

  async statistics(): Promise<SessionStatistics> {
    const video = (slot: string, width: number): SessionStatistics['connections'][0]['streams'][0] => ({
      mid: slot,
      slot,
      direction: 'in',
      kind: 'video',
      packets: 9000,
      lost: 12,
      jitterMs: 6.2,
      bytes: Math.round(performance.now() * width * 0.14),
      frames: 1804,
      dropped: 2,
      freezes: 1,
      freezeS: 0.4,
      width,
      height: (width * 9) / 16,
      fps: 30,
    });
    const streams = this.stage.seats.filter(seat => this.tracks.has(seat.slot)).map(
      (seat, index) => video(seat.slot, index ? 320 : 960),
    );
    return {
      connections: [{connection: 'c1', purpose: 'receive', rttMs: 24, streams}],
      frames: Object.fromEntries(streams.map(each => [each.slot, each.frames])),
    };
  }

  async leave(): Promise<void> {
    this.tell(Event.Closed, {reason: 'left', by: '', detail: ''}, {state: State.Closed});
  }
}
