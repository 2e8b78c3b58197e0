// A session that is joined, as the application sees it.

import type {Event, EventDetail, Hands, Limit, LocalTracks, Message, Page, Role, Roster} from './api';
import type {ConnectOptions, Session, SessionStatistics, Stage, State} from './api';
import {Engine} from './engine';
import type {Ports} from './engine';
import {RtcdnError} from './errors';
import {pageOf} from './view';

const LEAVE_MS = 3_000;

/** The session of a participant; made by `connect`. */
export class JoinedSession implements Session {
  private readonly engine: Engine;

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
    return this.engine.local.tracks;
  }
  get screen(): MediaStreamTrack | null {
    return this.engine.local.screen;
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
    if (what === 'publish') return role !== 'viewer' || rights.includes('publish');
    return !live && (role !== 'viewer' || rights.includes('speak') || rights.includes('publish'));
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
    this.engine.local.take(tracks);
    return this.engine.apply();
  }

  async publish(tracks?: LocalTracks, {muted = this.muted}: {muted?: boolean} = {}): Promise<void> {
    const {local, view} = this.engine;
    if (tracks) local.take(tracks);
    else if (!local.ready) await local.open();
    view.muted = muted;
    await this.engine.publish();
  }

  unpublish(): Promise<void> {
    return this.engine.unpublish();
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
    await engine.local.showScreen(track, () => this.stopScreen().catch(error => engine.problem(error)));
    const {screen} = engine.local;
    try {
      await engine.apply();
    } catch (error) {
      if (engine.local.screen === screen) engine.local.dropScreen();
      throw error;
    }
  }

  async stopScreen(): Promise<void> {
    this.engine.local.dropScreen();
    await this.engine.apply();
  }

  async mute(on: boolean, participant?: string): Promise<void> {
    const {engine} = this;
    if (participant && participant !== this.participant) {
      await engine.link.request({type: 'mute', on, participant});
      return;
    }
    engine.view.muted = on;
    engine.muted();
    await engine.link.request({type: 'mute', on}, 'newest');
  }

  async raiseHand(up = true, participant?: string): Promise<void> {
    const {engine} = this;
    if (participant && participant !== this.participant) {
      await engine.link.request({type: 'hand', up, participant});
      return;
    }
    const before = engine.handUp;
    engine.handUp = up; // a resume meanwhile tells the newest
    try {
      await engine.link.request({type: 'hand', up, ready: engine.local.ready}, 'newest');
    } catch (error) {
      engine.handUp = before;
      throw error;
    }
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

  watch(participants: readonly string[]): void {
    this.engine.layout.watch(participants);
  }

  async setQuality(limit: Limit): Promise<void> {
    this.engine.limit = limit;
    await this.engine.link.request({type: 'quality', limit}, 'newest');
  }

  async participants(query: {after?: string; limit?: number; search?: string} = {}): Promise<Page> {
    return pageOf(await this.engine.link.request({type: 'participants', ...query}));
  }

  async send(data: string, {topic = '', to = ''}: {topic?: string; to?: string} = {}): Promise<Message['n']> {
    return (await this.engine.link.request({type: 'send', data, topic, to})).n;
  }

  statistics(): Promise<SessionStatistics> {
    return this.engine.statistics();
  }

  async leave(): Promise<void> {
    const {engine} = this;
    await engine.link.request({type: 'leave'}, 'no', LEAVE_MS).catch(() => undefined); // gone all the same
    engine.over('left');
  }

  private async setLocal(kind: keyof LocalTracks, track: MediaStreamTrack | null): Promise<void> {
    this.engine.local.set(kind, track);
    await this.engine.apply();
  }
}
