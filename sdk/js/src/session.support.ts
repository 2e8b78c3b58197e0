// A session on fakes, in a time that tests let pass.

import {mock} from 'node:test';

import {Event} from './api';
import type {ConnectOptions, EventDetail, LocalTracks, Session} from './api';
import {FakeGateway} from './gateway.fake';
import {connect} from './index';
import {FakeMedia, fakeTrack} from './media.fake';
import type {FakePeer} from './media.fake';

/** A token of session `demo`. */
export const TOKEN = `e30.${btoa(JSON.stringify({sid: 'demo', sub: 'bob'}))}.x`;

/** Take hold of the clock; `afterEach(() => mock.timers.reset())` gives it back. */
export const holdTime = (): void => mock.timers.enable({apis: ['setTimeout', 'setInterval', 'Date'], now: 1_000_000});

/** Let everything happen that waits for no time. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 8; round++) await new Promise<void>(resolve => setImmediate(resolve));
}

/** Let time pass. */
export async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    mock.timers.tick(Math.min(50, left));
    await settle();
  }
}

/** A session with the fakes that it lives on, and everything that it told. */
export class Bench {
  readonly gateway = new FakeGateway();
  readonly media = new FakeMedia();
  readonly told: [Event, unknown][] = [];
  session!: Session;

  async join(options: ConnectOptions = {}): Promise<Session> {
    const ports = {media: this.media, transport: this.gateway, now: () => Date.now()};
    const joining = connect('https://cdn.example:8443', TOKEN, {reconnect: {jitter: 0}, ...ports, ...options});
    joining.catch(() => undefined); // told below
    await settle();
    this.session = await joining;
    for (const event of Object.values(Event)) this.session.on(event, detail => this.told.push([event, detail]));
    await pass(50);
    return this.session;
  }

  /** What was told of an event, in order. */
  of<E extends Event>(event: E): EventDetail[E][] {
    return this.told.filter(([name]) => name === event).map(([, detail]) => detail as EventDetail[E]);
  }

  /** The newest peer. */
  get peer(): FakePeer {
    return this.media.peers[this.media.peers.length - 1] as FakePeer;
  }

  /** A candidate: voice connection c2 is ready, suspended. */
  async candidate(): Promise<FakePeer> {
    this.gateway.tell({event: 'connect', connection: 'c2', purpose: 'voice', reason: 'ready'});
    await pass(50);
    return this.peer;
  }
}

/** A camera and a microphone. */
export const tracks = (): Required<LocalTracks> => ({camera: fakeTrack('video'), microphone: fakeTrack('audio')});
