// @rtcdn/client: join a session, watch, speak, share a screen, send messages. Start reading at `api.ts`.

import {BrowserMedia} from './browser';
import type {CaptureWish} from './media';
import type {ConnectOptions, Device, LocalTracks, Session} from './api';
import {ofKind} from './devices';
import {JoinedSession} from './session';
import {BrowserTransport} from './browser.transport';

export * from './api';
export {MediaProblem, RtcdnError} from './errors';
export type {MediaReason, ProblemDocument} from './errors';
export * from './prejoin.api';
export {reconnectPolicy} from './policy';
export {prejoin} from './prejoin';
export type {ReconnectPolicy} from './policy';
export type {CaptureWish, MediaPort} from './media';
export type {TransportPort} from './transport';

/** Join a session. `url` is the deployment's, such as `https://host:8443`; the token names the session. */
export async function connect(url: string, token: string, options: ConnectOptions = {}): Promise<Session> {
  const {media = new BrowserMedia(), transport = new BrowserTransport(), now = () => performance.now()} = options;
  const session = new JoinedSession(url, token, options, {media, transport, now});
  await session.start();
  return session;
}

/** The devices there are. Without a permission they have no labels. */
export async function devices(): Promise<{cameras: Device[]; microphones: Device[]; speakers: Device[]}> {
  const all = await new BrowserMedia().devices();
  return {
    cameras: ofKind(all, 'videoinput'),
    microphones: ofKind(all, 'audioinput'),
    speakers: ofKind(all, 'audiooutput'),
  };
}

/** Open a camera (960x540 or more, 30 pictures a second) and a microphone; throws a `MediaProblem`. */
export function capture(wish: CaptureWish = {camera: true, microphone: true}): Promise<LocalTracks> {
  return new BrowserMedia().capture(wish);
}

/** Ask for a screen or window; throws a `MediaProblem`. */
export function captureScreen(): Promise<MediaStreamTrack> {
  return new BrowserMedia().captureScreen();
}
