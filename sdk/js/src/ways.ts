// The ways to a deployment: entries, the chosen one first and the next when it is away, and ICE servers.

import type {ConnectOptions} from './api';
import type {Entry} from './messages';
import {randomId, socketUrl} from './token';

const AWAY_MS = 4_000; // so long a gateway or nginx may be replaced: then it is away

/** Of one session. */
export class Ways {
  iceServers: readonly RTCIceServer[];
  private readonly client = randomId(); // stays the same over reconnects: the same gateway serves it
  private readonly urls: string[];
  private readonly rtt: Record<string, number>;
  private at = 0;

  constructor(url: string, {entries = [], iceServers = [], measuredRtt = {}}: ConnectOptions) {
    this.urls = [socketUrl(url, this.client)];
    entries.forEach(each => this.add(each));
    [this.iceServers, this.rtt] = [iceServers, measuredRtt];
  }

  /** What the gateway names: entries come after those known, the nearest first; ICE servers replace those known. */
  told({entries = [], ice_servers = []}: {entries?: Entry[]; ice_servers?: Record<string, unknown>[]}): void {
    byDistance(entries, this.rtt).forEach(each => this.add(each.url));
    // The protocol leaves open what an ICE server has; it is what browsers take.
    if (ice_servers.length) this.iceServers = ice_servers as unknown as RTCIceServer[];
  }

  /** The socket's address for a try, so long after there was a connection (or the first try). */
  next(sinceMs: number): string {
    if (sinceMs >= AWAY_MS) this.at = (this.at + 1) % this.urls.length;
    return this.urls[this.at] as string;
  }

  private add(url: string): void {
    const found = socketUrl(url, this.client);
    if (!this.urls.includes(found)) this.urls.push(found);
  }
}

/** Entries by round trip, the nearest first; those that were not measured last, as they came. */
export function byDistance<T extends {region: string}>(entries: readonly T[], rtt: Record<string, number>): T[] {
  const far = ({region}: T): number => rtt[region] ?? Number.MAX_VALUE;
  return [...entries].sort((one, other) => far(one) - far(other));
}
