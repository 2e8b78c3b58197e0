// A peer on RTCPeerConnection.

import type {Figures, Layer, Line, Peer, PeerListener, PeerState} from './media';

/** `Peer` on the browser's RTCPeerConnection. */
export class BrowserPeer implements Peer {
  private readonly pc: RTCPeerConnection;
  private offered: RTCSessionDescriptionInit | null = null; // and not taken as the local description yet

  constructor(iceServers: readonly RTCIceServer[], listener: PeerListener, relayOnly: boolean) {
    this.pc = new RTCPeerConnection({
      iceServers: [...iceServers],
      iceTransportPolicy: relayOnly ? 'relay' : 'all',
    });
    this.pc.onconnectionstatechange = () => listener.state(this.pc.connectionState);
    this.pc.onicecandidate = ({candidate: found}) => {
      if (!found?.candidate) {
        if (!found) listener.candidate(null);
        return;
      }
      // Everything goes over the first medium's transport. (With the policy max-bundle Chromium would say so itself,
      // but by port 0, which Janus takes for a refusal.)
      if (found.sdpMLineIndex) return;
      listener.candidate({candidate: found.candidate, mid: found.sdpMid ?? '', line: 0});
    };
  }

  get state(): PeerState {
    return this.pc.connectionState;
  }

  receive(kind: 'audio' | 'video', codecs: readonly string[] = []): Line {
    const line = this.pc.addTransceiver(kind, {direction: 'recvonly'});
    prefer(line, kind, codecs);
    return new BrowserLine(line);
  }

  send(track: MediaStreamTrack | null, layers: readonly Layer[], codecs: readonly string[]): Line {
    const sendEncodings = layers.map(({rid, scale, maxBitrate}) => ({rid, scaleResolutionDownBy: scale, maxBitrate}));
    const init: RTCRtpTransceiverInit = sendEncodings.length ? {sendEncodings} : {};
    const line = this.pc.addTransceiver(track ?? 'video', {direction: 'sendonly', ...init});
    prefer(line, 'video', codecs);
    return new BrowserLine(line);
  }

  talk(track: MediaStreamTrack | null): Line {
    return new BrowserLine(this.pc.addTransceiver(track ?? 'audio', {direction: 'sendrecv'}));
  }

  async offer(later = false): Promise<string> {
    this.offered = await this.pc.createOffer();
    if (later) return this.offered.sdp ?? '';
    await this.describe();
    return this.pc.localDescription?.sdp ?? '';
  }

  async gather(iceServers: readonly RTCIceServer[]): Promise<void> {
    if (!this.offered) return;
    if (iceServers.length) this.pc.setConfiguration({...this.pc.getConfiguration(), iceServers: [...iceServers]});
    await this.describe();
  }

  async answer(sdp: string): Promise<void> {
    await this.pc.setRemoteDescription({type: 'answer', sdp});
  }

  async figures(): Promise<{rttMs: number; streams: Figures[]}> {
    return figuresOf([...(await this.pc.getStats()).values()] as Report[]);
  }

  private async describe(): Promise<void> {
    const offered = this.offered;
    this.offered = null;
    if (offered) await this.pc.setLocalDescription(offered);
  }

  close(): void {
    this.pc.onconnectionstatechange = this.pc.onicecandidate = null;
    this.pc.close();
  }
}

class BrowserLine implements Line {
  constructor(private readonly transceiver: RTCRtpTransceiver) {}

  get mid(): string {
    return this.transceiver.mid ?? '';
  }

  get track(): MediaStreamTrack | null {
    return this.transceiver.direction === 'sendonly' ? null : this.transceiver.receiver.track;
  }

  async replace(track: MediaStreamTrack | null): Promise<void> {
    await this.transceiver.sender.replaceTrack(track);
  }
}

function prefer(line: RTCRtpTransceiver, kind: 'audio' | 'video', codecs: readonly string[]): void {
  if (!codecs.length) return;
  const known = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  const wanted = known.filter(each => codecs.includes(each.mimeType.toLowerCase().slice(kind.length + 1)));
  if (wanted.length) line.setCodecPreferences?.(wanted);
}

/** What getStats tells, of those kinds that are read here. */
interface Report {
  id: string;
  type: string;
  kind: 'audio' | 'video';
  mid?: string;
  remoteId?: string;
  nominated?: boolean;
  state?: string;
  selectedCandidatePairId?: string;
  [figure: string]: unknown;
}

/** The figures of all streams, the layers of one medium taken together, and the round trip. */
export function figuresOf(reports: readonly Report[]): {rttMs: number; streams: Figures[]} {
  const byId = new Map(reports.map(each => [each.id, each]));
  const streams = new Map<string, Figures>();
  for (const each of reports) {
    if (each.type !== 'inbound-rtp' && each.type !== 'outbound-rtp') continue;
    const remote = each.remoteId === undefined ? undefined : byId.get(each.remoteId);
    const figures = each.type === 'inbound-rtp' ? inbound(each) : outbound(each, remote);
    const before = streams.get(figures.direction + figures.mid);
    streams.set(figures.direction + figures.mid, before ? together(before, figures) : figures);
  }
  const transport = reports.find(each => each.type === 'transport');
  const pair =
    byId.get(transport?.selectedCandidatePairId ?? '') ??
    reports.find(each => each.type === 'candidate-pair' && each.nominated && each.state === 'succeeded');
  return {rttMs: pair ? number(pair, 'currentRoundTripTime') * 1000 : 0, streams: [...streams.values()]};
}

const number = (report: Report, name: string): number => {
  const found = report[name];
  return typeof found === 'number' && Number.isFinite(found) ? found : 0;
};

function shape(report: Report): Pick<Figures, 'mid' | 'kind' | 'width' | 'height' | 'fps'> {
  const [width, height, fps] = ['frameWidth', 'frameHeight', 'framesPerSecond'].map(name => number(report, name));
  return {mid: report.mid ?? '', kind: report.kind, width: width ?? 0, height: height ?? 0, fps: fps ?? 0};
}

function inbound(report: Report): Figures {
  return {
    ...shape(report),
    direction: 'in',
    packets: number(report, 'packetsReceived'),
    lost: number(report, 'packetsLost'),
    jitter_ms: Math.max(number(report, 'jitter') * 1000, 0),
    bytes: number(report, 'bytesReceived'),
    frames: number(report, 'framesDecoded'),
    dropped: number(report, 'framesDropped'),
    freezes: number(report, 'freezeCount'),
    freeze_s: number(report, 'totalFreezesDuration'),
  };
}

function outbound(report: Report, remote: Report | undefined): Figures {
  return {
    ...shape(report),
    direction: 'out',
    packets: number(report, 'packetsSent'),
    lost: remote ? number(remote, 'packetsLost') : 0,
    jitter_ms: remote ? Math.max(number(remote, 'jitter') * 1000, 0) : 0,
    bytes: number(report, 'bytesSent'),
    frames: number(report, 'framesEncoded'),
    dropped: 0,
    freezes: 0,
    freeze_s: 0,
  };
}

/** Counters of layers add up; the size is that of the largest. */
function together(one: Figures, other: Figures): Figures {
  const larger = other.width > one.width ? other : one;
  return {
    ...larger,
    packets: one.packets + other.packets,
    lost: one.lost + other.lost,
    bytes: one.bytes + other.bytes,
    frames: Math.max(one.frames, other.frames),
    jitter_ms: Math.max(one.jitter_ms, other.jitter_ms),
  };
}
