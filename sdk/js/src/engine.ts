// What works behind a session: the link to the gateway, what is known, and the media, tied together.

import {Event, State} from './api';
import type {ConnectOptions, Limit, SessionStatistics} from './api';
import type {Body} from './channel';
import type {Wiring} from './connection';
import {Emitter} from './emitter';
import {MediaProblem, RtcdnError} from './errors';
import {Layout, type Wish} from './layout';
import {Link} from './link';
import {Local} from './local';
import type {Keep} from './link';
import type {MediaPort} from './media';
import {VERSION} from './messages';
import type * as wire from './messages';
import {reconnectPolicy} from './policy';
import {Receiving} from './receiving';
import {Sending} from './sending';
import {Sound} from './sound';
import {EVERY_MS, read} from './statistics';
import {sessionOf} from './token';
import type {TransportPort} from './transport';
import {View} from './view';
import {Voice} from './voice';
import {Ways} from './ways';

const AGENT = 'rtcdn-js/0.1.0';
const VIDEOS = 5; // four speakers and a screen
const ANEW = [404, 410]; // a resume refused so: one may still join anew

/** The ports that a session works on. */
export interface Ports {
  media: MediaPort;
  transport: TransportPort;
  now(): number;
}

/** Everything of one session that lives. */
export class Engine {
  readonly view = new View();
  readonly emitter = new Emitter();
  readonly link: Link;
  readonly receiving: Receiving;
  readonly sending: Sending;
  readonly sound: Sound;
  readonly layout: Layout;
  readonly local: Local;
  limit: Limit = 'auto';
  handUp = false;
  /** Live, or about to be: what is to be seen is sent. */
  private onStage = false;
  private publishing = 0;
  private readonly voice: Voice;
  private readonly ways: Ways;
  private readonly wanted: string; // the session, as asked for
  private key = ''; // to resume by; empty: join
  private timer: ReturnType<typeof setInterval> | undefined;
  private ending: RtcdnError | null = null;

  constructor(
    url: string,
    private readonly token: string,
    private readonly options: ConnectOptions,
    readonly ports: Ports,
  ) {
    const {media} = ports;
    this.wanted = options.session || sessionOf(token);
    this.local = new Local(media, options.tracks, device => this.gone(device));
    this.ways = new Ways(url, options);
    this.link = this.makeLink();
    const wiring: Wiring = {
      media,
      request: (body, keep) => this.link.request(body, keep),
      iceServers: () => this.ways.iceServers,
      relayOnly: options.relayOnly ?? false,
      codec: () => this.view.codec,
      problem: error => this.problem(error),
    };
    this.sound = new Sound(media, blocked => this.emitter.emit(Event.AudioBlocked, {blocked}));
    const tell = (wish: Wish): void => this.ask(wish, 'newest');
    this.layout = new Layout(media, slot => this.receiving.tracks.get(slot) ?? null, tell);
    this.receiving = new Receiving(wiring, options.videos ?? VIDEOS, {
      track: (slot, track) => {
        this.layout.changed(slot);
        this.emitter.emit(Event.Track, {slot, track});
      },
      sound: track => this.sound.setMix(track),
      seated: () => this.view.stage.seats.map(each => each.slot),
    });
    this.voice = new Voice(wiring, track => this.sound.setVoice(track));
    this.sending = new Sending(wiring);
  }

  /** Join; throws what stands against it. */
  async start(): Promise<void> {
    try {
      await this.link.start();
      if (this.ending) throw this.ending; // in the moment in which it was joined
    } catch (error) {
      this.close();
      throw error;
    }
    this.timer = setInterval(() => void this.tellStatistics(), EVERY_MS);
  }

  /** Ask for something that nobody waits for. */
  ask(body: Body, keep: Keep): void {
    this.link.request(body, keep).catch((error: unknown) => this.problem(error));
  }

  problem(error: unknown): void {
    if (this.link.state === State.Closed) return;
    const words = error instanceof Error ? error.message : String(error);
    this.emitter.emit(Event.Problem, error instanceof RtcdnError ? error : new RtcdnError('media-failed', words));
  }

  /** Make media be what role, devices and muting say; resolves when what is sent is so. */
  async apply(): Promise<void> {
    const {microphone = null, camera = null} = this.local.tracks;
    this.muted();
    this.voice.set(microphone, this.view.live);
    await this.sending.set({camera, screen: this.local.screen, live: this.onStage});
  }

  /** The microphone is as it is known to be. */
  muted(): void {
    const {microphone} = this.local.tracks;
    if (microphone) microphone.enabled = !this.view.muted;
  }

  /** Unplugged: nobody shall see the last picture for ever. */
  private gone(device: 'camera' | 'microphone'): void {
    this.problem(new MediaProblem('media-gone', device, 'it was disconnected', 'connect it again, or choose another'));
    this.apply().catch((error: unknown) => this.problem(error));
  }

  /** Go on stage: ask, then send. */
  async publish(): Promise<void> {
    this.publishing++;
    try {
      const {role} = await this.link.request({type: 'publish', muted: this.view.muted});
      [this.view.role, this.onStage] = [role, true];
      await this.apply();
    } finally {
      this.publishing--;
    }
  }

  async unpublish(): Promise<void> {
    this.local.dropScreen();
    const {role} = await this.link.request({type: 'unpublish'});
    [this.view.role, this.onStage] = [role, false];
    await this.apply();
  }

  get mayShow(): boolean {
    return this.onStage;
  }

  async statistics(): Promise<SessionStatistics> {
    return (await this.figures()).statistics;
  }

  /** It is over for good. */
  over(reason: string, by = '', detail = ''): void {
    if (this.timer === undefined && this.link.state === State.Closed) return;
    this.ending = new RtcdnError(reason, detail || 'the session is over');
    this.close();
    this.emitter.emit(Event.Closed, {reason, by, detail});
  }

  private close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.link.stop();
    for (const each of [this.receiving, this.voice, this.sending, this.layout, this.sound, this.local]) each.close();
  }

  private makeLink(): Link {
    return new Link({
      ...this.ports,
      url: sinceMs => this.ways.next(sinceMs),
      policy: reconnectPolicy(this.options.reconnect),
      greeting: () => this.greeting(),
      refused: error => this.refused(error),
      joined: answer => this.joined(answer),
      event: event => this.take(event),
      state: (state, before, attempt, error) =>
        this.emitter.emit(Event.State, {state, before, attempt, ...(error ? {error} : {})}),
      closed: ({reason, detail}) => this.over(reason === 'transport' ? 'connection-lost' : reason, '', detail),
    });
  }

  private async greeting(): Promise<Omit<wire.Join, 'id'> | Omit<wire.Resume, 'id'>> {
    const common = {version: VERSION, session: this.wanted, token: this.token, ready: this.local.ready};
    if (this.key) {
      const {participant, last, muted} = this.view;
      return {type: 'resume', ...common, participant, key: this.key, last, hand: this.handUp, muted};
    }
    const {name = '', measuredRtt: measured_rtt = {}} = this.options;
    return {type: 'join', ...common, name, measured_rtt, offer: await this.receiving.greet(), agent: AGENT};
  }

  private refused({reason, status}: RtcdnError): boolean {
    const anew = this.key !== '' && ANEW.includes(status) && reason !== 'unknown-session';
    if (anew) this.key = '';
    return anew;
  }

  private joined(answer: wire.Joined): void {
    const [again, wasOnStage] = [this.view.id !== '', this.onStage];
    this.key = answer.resume.key;
    this.ways.told(answer);
    this.view.joined(answer);
    if (!answer.resumed) this.anew(answer.receive, again);
    if (!again) return;
    // A gateway that took him over from another knows this no more than one that he joins anew.
    this.layout.forget();
    if (this.limit !== 'auto') this.ask({type: 'quality', limit: this.limit}, 'newest');
    if (answer.resumed) return; // it told of the hand, and is on stage where it was
    if (this.handUp) this.ask({type: 'hand', up: true, ready: this.local.ready}, 'newest');
    if (wasOnStage) queueMicrotask(() => this.publish().catch((error: unknown) => this.problem(error)));
  }

  /** Joined, not resumed: media begin, those of before are nobody's. */
  private anew(receive: wire.OfferAnswer | null | undefined, again: boolean): void {
    this.receiving.joined(receive ?? null).catch(error => {
      this.problem(error);
      return this.receiving.connect('');
    });
    if (!again) return;
    [this.view.live, this.onStage] = [false, false];
    this.voice.close();
    this.sending.close();
  }

  private take(event: wire.ServerEvent): void {
    switch (event.event) {
      case 'connect':
        return this.connect(event);
      case 'disconnect':
        return this.disconnect(event);
      case 'ice-servers':
        return this.ways.told(event);
      case 'closing':
        return this.link.moveOn();
      case 'closed':
        return this.over(event.reason, event.by, event.detail);
    }
    const before = this.view.role;
    const told = this.view.take(event);
    if (event.event === 'role') this.stageChanged(event, before);
    if (event.event === 'hands') this.handUp = this.view.hands.place > 0;
    if (event.event === 'muted') this.muted();
    if (told) this.emitter.emit(...(told as [Event.Muted, {on: boolean; by: string}]));
  }

  private disconnect({connection, reason, source}: wire.Disconnect): void {
    if (!source) for (const each of [this.receiving, this.voice, this.sending]) each.ended(connection);
    if (reason === 'stage-full') this.local.set('camera', null);
    else if (reason === 'screen-taken') this.local.dropScreen();
    else return;
    this.problem(new RtcdnError(reason, 'another was faster', 'try again when his place is free', 409));
    this.apply().catch((error: unknown) => this.problem(error));
  }

  private connect({connection, purpose, ice_servers}: wire.Connect): void {
    const which = {receive: this.receiving, voice: this.voice, send: this.sending}[purpose];
    this.ways.told({ice_servers: ice_servers ?? []});
    which?.connect(connection).catch((error: unknown) => this.problem(error));
  }

  private stageChanged(event: wire.RoleEvent, before: wire.Role): void {
    // Promoted: what is to be seen is sent at once; he is heard when the gateway says that he is live.
    const promoted = before === 'viewer' && event.role === 'speaker' && !this.publishing && this.local.ready;
    if (event.live || promoted) this.onStage = true;
    if (event.role === 'viewer') this.onStage = false;
    if (!this.onStage) this.local.dropScreen();
    this.apply().catch((error: unknown) => this.problem(error));
    if (promoted && !event.live) this.publish().catch((error: unknown) => this.problem(error));
  }

  private figures(): ReturnType<typeof read> {
    const all = [this.receiving, this.voice, this.sending].flatMap(each => each.connections());
    return read(all, this.receiving);
  }

  private async tellStatistics(): Promise<void> {
    try {
      const {told, statistics} = await this.figures();
      this.emitter.emit(Event.Statistics, statistics);
      if (this.link.state === State.Live && told.length) {
        await this.link.request({type: 'statistics', connections: told});
      }
    } catch (error) {
      // The next ones come in two seconds; only a refusal is worth a word.
      if (error instanceof RtcdnError && error.status) this.problem(error);
    }
  }
}
