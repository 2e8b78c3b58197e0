// Runs the suite on the real media in a page of Chromium; the result is `window.suite` (see tests/integration).

import {BrowserMedia} from './browser';
import {SUITE} from './media.suite';
import type {Bench, Far} from './media.suite';

/** A second RTCPeerConnection of the same page that sends the fake camera and microphone. */
class LoopBack implements Far {
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

const bench: Bench = {
  media: new BrowserMedia(),
  far: () => new LoopBack(),
  element: () => {
    const element = document.createElement('video');
    element.style.cssText = 'display: block; width: 320px; height: 180px';
    document.body.prepend(element);
    return element;
  },
  shown: element => (element.srcObject instanceof MediaStream ? element.srcObject.getTracks()[0] ?? null : null),
  resize: (element, width, height) => Object.assign(element.style, {width: `${width}px`, height: `${height}px`}),
  end: track => {
    track.stop();
    track.dispatchEvent(new Event('ended')); // browsers tell it for ends that are not our own only
  },
  ratio: devicePixelRatio,
};

async function run(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, test] of Object.entries(SUITE)) {
    try {
      await test(bench);
      found[name] = 'passed';
    } catch (error) {
      found[name] = error instanceof Error ? error.message : String(error);
    }
    Object.assign(window, {progress: {...found}});
  }
  return found;
}

void run().then(suite => Object.assign(window, {suite}));
