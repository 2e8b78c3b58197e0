// What `prejoin` looks at and finds.

import type {RtcdnError} from './errors';
import type {Device} from './facts';
import type {MediaPort} from './media';
import type {TransportPort} from './transport';

/** What to look at before joining. */
export interface PrejoinOptions {
  /** Open camera and microphone to see that they work; they are closed again. True where not said. */
  devices?: boolean;
  /** ICE servers to try; where not said, those that the gateway names. */
  iceServers?: RTCIceServer[];
  media?: MediaPort;
  transport?: TransportPort;
  now?: () => number;
}

/** A region and the way to it; `rttMs` is null where it does not answer. */
export interface RegionReport {
  region: string;
  url: string;
  rttMs: number | null;
  problem?: string;
}

/** One kind of device. */
export interface DeviceReport {
  ok: boolean;
  devices: Device[];
  problem?: RtcdnError;
}

/** What was found before joining; `measuredRtt` is for `ConnectOptions`. */
export interface PrejoinReport {
  camera: DeviceReport;
  microphone: DeviceReport;
  speakers: Device[];
  regions: RegionReport[];
  measuredRtt: Record<string, number>;
  /** URLs of the regions that answered, the nearest first: join at the first, name the others in `ConnectOptions`. */
  entries: string[];
  turn: {present: boolean; reachable: boolean; rttMs?: number};
}
