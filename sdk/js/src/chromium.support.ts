// The other end of a connection, and a place for results, for tests that run in a page of Chromium.

import {figuresOf} from './browser.peer';
import type {Far} from './media.suite';

/** A second RTCPeerConnection of the same page that sends the fake camera and microphone. */
export class LoopBack implements Far {
  private readonly pc = new RTCPeerConnection();
  private readonly tracks: MediaStreamTrack[] = [];

  async answer(offer: string): Promise<string> {
    await this.pc.setRemoteDescription({type: 'offer', sdp: offer});
    const wanted = offer.split(/^m=/m).slice(1).map(each => !/^a=sendonly/m.test(each));
    for (const [index, line] of this.pc.getTransceivers().entries()) {
      if (!wanted[index] || line.sender.track) continue;
      await line.sender.replaceTrack(await this.open(line.receiver.track.kind));
      line.direction = line.direction === 'recvonly' ? 'sendrecv' : 'sendonly';
    }
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    if (this.pc.iceGatheringState !== 'complete') {
      await new Promise<void>(resolve => {
        this.pc.onicegatheringstatechange = () => this.pc.iceGatheringState === 'complete' && resolve();
      });
    }
    return this.pc.localDescription?.sdp ?? '';
  }

  /** What came here. */
  async received(kind: 'audio' | 'video'): Promise<number[]> {
    const {streams} = figuresOf([...(await this.pc.getStats()).values()] as Parameters<typeof figuresOf>[0]);
    const wanted = streams.filter(each => each.direction === 'in' && each.kind === kind);
    return wanted.map(each => (kind === 'video' ? each.frames : each.packets));
  }

  close(): void {
    this.pc.close();
    this.tracks.forEach(each => each.stop());
  }

  private async open(kind: string): Promise<MediaStreamTrack> {
    const stream = await navigator.mediaDevices.getUserMedia({[kind]: true});
    const track = stream.getTracks()[0] as MediaStreamTrack;
    this.tracks.push(track);
    return track;
  }
}

/** Run cases one after the other; what came of each is in `window.suite`. */
export async function report(cases: Record<string, () => Promise<string | void>>): Promise<void> {
  const found: Record<string, string> = {};
  for (const [name, run] of Object.entries(cases)) {
    try {
      found[name] = (await run()) ?? 'passed';
    } catch (error) {
      found[name] = `failed: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  Object.assign(window, {suite: found});
}
