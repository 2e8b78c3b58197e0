// What to look at before joining: devices, the way to each region, TURN.

import {BrowserMedia} from './browser';
import {ofKind} from './devices';
import {RtcdnError} from './errors';
import type {Device} from './facts';
import type {MediaPort} from './media';
import type {DeviceReport, PrejoinOptions, PrejoinReport, RegionReport} from './prejoin.api';
import {byDistance} from './ways';
import {BrowserTransport} from './browser.transport';
import type {TransportPort} from './transport';

const TRIES = 3; // the best of them counts
const LIMIT_MS = 3_000;

/** Look at everything at the same time. */
export async function prejoin(url: string, token: string, options: PrejoinOptions = {}): Promise<PrejoinReport> {
  const {media = new BrowserMedia(), transport = new BrowserTransport(), now = () => performance.now()} = options;
  const [devices, network] = await Promise.all([
    lookAtDevices(media, options.devices ?? true),
    lookAtNetwork(url, token, transport, now, media, options.iceServers),
  ]);
  const nearest = byDistance(network.regions, network.measuredRtt).filter(each => each.rttMs !== null);
  return {...devices, ...network, entries: nearest.map(each => each.url)};
}

async function lookAtDevices(
  media: MediaPort,
  open: boolean,
): Promise<Pick<PrejoinReport, 'camera' | 'microphone' | 'speakers'>> {
  const problems: {camera?: RtcdnError; microphone?: RtcdnError} = {};
  for (const kind of open ? (['microphone', 'camera'] as const) : []) {
    try {
      const opened = await media.capture({[kind]: true});
      opened[kind]?.stop();
    } catch (error) {
      if (!(error instanceof RtcdnError)) throw error;
      problems[kind] = error;
    }
  }
  const all = await media.devices();
  const report = (devices: Device[], problem?: RtcdnError): DeviceReport => ({
    ok: !problem && (open || devices.length > 0),
    devices,
    ...(problem ? {problem} : {}),
  });
  return {
    camera: report(ofKind(all, 'videoinput'), problems.camera),
    microphone: report(ofKind(all, 'audioinput'), problems.microphone),
    speakers: ofKind(all, 'audiooutput'),
  };
}

async function lookAtNetwork(
  url: string,
  token: string,
  transport: TransportPort,
  now: () => number,
  media: MediaPort,
  iceServers?: readonly RTCIceServer[],
): Promise<Pick<PrejoinReport, 'regions' | 'measuredRtt' | 'turn'>> {
  const {status, json} = await transport.get(new URL('/regions', url).href, token, LIMIT_MS);
  const told = (json ?? {}) as {regions?: {region: string; url: string}[]; ice_servers?: RTCIceServer[]};
  if (status !== 200 || !Array.isArray(told.regions)) {
    const words = status ? `it answers with ${status}` : 'it does not answer';
    throw new RtcdnError('transport', `${url}: ${words}`, 'check the address and the network', status);
  }
  const [turn, ...regions] = await Promise.all([
    lookAtTurn(media, iceServers ?? told.ice_servers ?? [], now),
    ...told.regions.map(each => lookAtRegion(each, transport, now)),
  ]);
  const answered = regions.filter(each => each.rttMs !== null);
  return {regions, measuredRtt: Object.fromEntries(answered.map(each => [each.region, each.rttMs as number])), turn};
}

async function lookAtRegion(
  {region, url}: {region: string; url: string},
  transport: TransportPort,
  now: () => number,
): Promise<RegionReport> {
  let best: number | null = null;
  let problem = 'it does not answer';
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const startedMs = now();
    const {status} = await transport.get(new URL('/ping', url).href, '', LIMIT_MS);
    if (status >= 200 && status < 300) best = Math.min(best ?? Infinity, now() - startedMs);
    else if (status) problem = `it answers with ${status}`;
    else break; // silent once is enough to wait for
  }
  return {region, url, rttMs: best, ...(best === null ? {problem} : {})};
}

/** A relayed candidate shows that the TURN server answers and takes the credentials. */
async function lookAtTurn(
  media: MediaPort,
  iceServers: readonly RTCIceServer[],
  now: () => number,
): Promise<PrejoinReport['turn']> {
  const present = iceServers.some(({urls}) => [urls].flat().some(each => /^turns?:/.test(each)));
  if (!present) return {present, reachable: false};
  const startedMs = now();
  const found = await new Promise<boolean>(resolve => {
    const done = (reached: boolean): void => {
      clearTimeout(timer);
      peer.close();
      resolve(reached);
    };
    const candidate = (told: {candidate: string} | null): void => {
      if (!told || / typ relay /.test(`${told.candidate} `)) done(told !== null);
    };
    const peer = media.peer(iceServers, {state: () => undefined, candidate}, true);
    const timer = setTimeout(() => done(false), LIMIT_MS);
    peer.receive('audio');
    peer.offer().catch(() => done(false));
  });
  return {present, reachable: found, ...(found ? {rttMs: now() - startedMs} : {})};
}
