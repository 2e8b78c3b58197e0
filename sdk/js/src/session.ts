// A session that is joined, as the application sees it.

import type {Event, EventDetail, Hands, Limit, LocalTracks, Message, Page, Role, Roster} from './api';
import type {ConnectOptions, Session, SessionStatistics, Stage, State} from './api';
import {Engine} from './engine';
import type {Ports} from './engine';
import {RtcdnError} from './errors';
import type * as wire from './messages';
import {pageOf} from './view';

const LEAVE_MS = 3_000;

/** The session of a participant; made by `connect`. */
export class JoinedSession implements Session {
  private readonly engine: Engine;
  private readonly opened = new Set<MediaStreamTrack>(); // by us: we stop them

  constructor(url: string, token: string, options: ConnectOptions, ports: Ports) {
    this.engine = new Engine(url, token, options, ports);
  }

  start(): Promise<void> {
    return this.engine.start();
  }

  get id(): string {
    return this.engine.view.id;
  }
  get participant(): string {
    return this.engine.view.participant;
  }
  get name(): string {
    return this.engine.view.name;
  }
  get role(): Role {
    return this.engine.view.role;
  }
  get rights(): readonly string[] {
    return this.engine.view.rights;
  }
  get region(): string {
    return this.engine.view.region;
  }
  get state(): State {
    return this.engine.link.state;
  }
  get live(): boolean {
    return this.engine.view.live;
  }
  get muted(): boolean {
    return this.engine.view.muted;
  }
  get handUp(): boolean {
    return this.engine.handUp;
  }
  get stage(): Stage {
    return this.engine.view.stage;
  }
  get roster(): Roster {
    return this.engine.view.roster;
  }
  get hands(): Hands {
    return this.engine.view.hands;
  }
  get talking(): ReadonlySet<string> {
    return this.engine.view.talking;
  }
  get slots(): readonly string[] {
    return this.engine.view.slots;
  }
  get tracks(): ReadonlyMap<string, MediaStreamTrack> {
    return this.engine.receiving.tracks;
  }
  get localTracks(): LocalTracks {
    return this.engine.local;
  }
  get screen(): MediaStreamTrack | null {
    return this.engine.screen;
  }
  get audioBlocked(): boolean {
    return this.engine.sound.blocked;
  }

  on<E extends Event>(event: E, listener: (detail: EventDetail[E]) => void): () => void {
    return this.engine.emitter.on(event, listener);
  }

  can(what: 'publish' | 'raise-hand' | 'moderate'): boolean {
    const {role, rights, live} = this.engine.view;
    if (what === 'moderate') return role === 'moderator';
    if (what === 'publish') return role === 'speaker' || rights.includes('publish');
    return !live && rights.includes('speak');
  }

  attach(slot: string, element: HTMLVideoElement): () => void {
    return this.engine.layout.attach(slot, element);
  }

  attachAudio(element?: HTMLAudioElement): void {
    this.engine.sound.attach(element);
  }

  setVolume(volume: number): void {
    this.engine.sound.setVolume(volume);
  }

  setAudioOutput(deviceId: string): Promise<void> {
    return this.engine.sound.setOutput(deviceId);
  }

  startAudio(): Promise<void> {
    return this.engine.sound.start();
  }

  prepare(tracks: LocalTracks): Promise<void> {
    Object.assign(this.engine.local, tracks);
    return this.engine.apply();
  }

  async publish(tracks?: LocalTracks, {muted = this.muted}: {muted?: boolean} = {}): Promise<void> {
    const {engine} = this;
    if (tracks) Object.assign(engine.local, tracks);
    else if (!engine.ready) {
      const found = await engine.ports.media.capture({camera: true, microphone: true});
      for (const each of Object.values(found)) this.opened.add(each);
      Object.assign(engine.local, found);
    }
    engine.view.muted = muted;
    await engine.publish();
  }

  async unpublish(): Promise<void> {
    this.forgetScreen();
    await this.engine.unpublish();
  }

  setCamera(track: MediaStreamTrack | null): Promise<void> {
    return this.setLocal('camera', track);
  }

  setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    return this.setLocal('microphone', track);
  }

  async shareScreen(track?: MediaStreamTrack): Promise<void> {
    const {engine} = this;
    if (!engine.mayShow) throw new RtcdnError('not-on-stage', 'a screen is shown by those on stage', 'publish first');
    const {media} = engine.ports;
    const screen = track ?? (await media.captureScreen());
    if (!track) this.opened.add(screen);
    screen.contentHint = 'detail';
    this.forgetScreen();
    engine.screen = screen;
    media.ended(screen, () => {
      if (engine.screen === screen) this.stopScreen().catch((error: unknown) => engine.problem(error));
    });
    try {
      await engine.apply();
    } catch (error) {
      if (engine.screen === screen) this.forgetScreen();
      throw error;
    }
  }

  async stopScreen(): Promise<void> {
    this.forgetScreen();
    await this.engine.apply();
  }

  async mute(on: boolean, participant?: string): Promise<void> {
    const {engine} = this;
    if (participant && participant !== this.participant) return void (await engine.link.request({type: 'mute', on, participant}));
    engine.view.muted = on;
    if (engine.local.microphone) engine.local.microphone.enabled = !on;
    await engine.link.request({type: 'mute', on}, 'newest');
  }

  async raiseHand(up = true, participant?: string): Promise<void> {
    const {engine} = this;
    if (participant && participant !== this.participant) return void (await engine.link.request({type: 'hand', up, participant}));
    await engine.link.request({type: 'hand', up, ready: engine.ready}, 'newest');
    engine.handUp = up;
  }

  async promote(participant: string): Promise<void> {
    await this.engine.link.request({type: 'promote', participant});
  }

  async demote(participant: string): Promise<void> {
    await this.engine.link.request({type: 'demote', participant});
  }

  async remove(participant: string, reason = ''): Promise<void> {
    await this.engine.link.request({type: 'remove', participant, reason});
  }

  async setQuality(limit: Limit): Promise<void> {
    this.engine.limit = limit;
    await this.engine.link.request({type: 'quality', limit}, 'newest');
  }

  async participants(query: {after?: string; limit?: number; search?: string} = {}): Promise<Page> {
    return pageOf(await this.engine.link.request<wire.Page>({type: 'participants', ...query}));
  }

  async send(data: string, {topic = '', to = ''}: {topic?: string; to?: string} = {}): Promise<Message['n']> {
    return (await this.engine.link.request<{n: number}>({type: 'send', data, topic, to})).n;
  }

  statistics(): Promise<SessionStatistics> {
    return this.engine.statistics();
  }

  async leave(): Promise<void> {
    const {engine} = this;
    await engine.link.request({type: 'leave'}, 'no', LEAVE_MS).catch(() => undefined); // gone all the same
    engine.over('left');
    for (const each of this.opened) each.stop();
  }

  private async setLocal(kind: keyof LocalTracks, track: MediaStreamTrack | null): Promise<void> {
    const {local} = this.engine;
    if (track) local[kind] = track;
    else delete local[kind];
    await this.engine.apply();
  }

  private forgetScreen(): void {
    const {screen} = this.engine;
    this.engine.screen = null;
    if (screen && this.opened.delete(screen)) screen.stop();
  }
}
