// @rtcdn/client: join a session, watch, speak, share a screen, send messages. Start reading at `api.ts`.

import type {CaptureWish} from './media';
import type {ConnectOptions, Device, LocalTracks, PrejoinOptions, PrejoinReport, Session} from './api';

export * from './api';
export * from './errors';
export {reconnectPolicy} from './policy';
export type {ReconnectPolicy} from './policy';
export type {CaptureWish} from './media';

/** Join a session. `url` is the deployment's, such as `https://host:8443`; the token names the session. */
export declare function connect(url: string, token: string, options?: ConnectOptions): Promise<Session>;

/** Look at devices, the way to each region and TURN before joining. */
export declare function prejoin(url: string, token: string, options?: PrejoinOptions): Promise<PrejoinReport>;

/** The devices there are. Without a permission they have no labels. */
export declare function devices(): Promise<{cameras: Device[]; microphones: Device[]; speakers: Device[]}>;

/** Open a camera (960x540 or more, 30 pictures a second) and a microphone; throws a `MediaProblem`. */
export declare function capture(wish?: CaptureWish): Promise<LocalTracks>;

/** Ask for a screen or window; throws a `MediaProblem`. */
export declare function captureScreen(): Promise<MediaStreamTrack>;
