// The real media of a browser.

import {BrowserPeer} from './browser.peer';
import {MediaProblem} from './errors';
import type {MediaReason} from './errors';
import type {CaptureWish, Captured, ElementSize, MediaPort, Peer, PeerListener, Player} from './media';

const WORDS: Record<MediaReason, readonly [detail: string, cure: string]> = {
  'media-denied': ['the browser does not allow it', 'allow it in the address bar and try again'],
  'media-missing': ['there is none', 'connect one, or choose another'],
  'media-busy': ['another program uses it', 'close that program and try again'],
  'media-insecure': ['the page was not opened by https', 'open it by https'],
  'media-gone': ['it was disconnected', 'connect it again, or choose another'],
  'media-failed': ['it does not open', 'try another'],
};
const REASONS: Record<string, MediaReason> = {
  NotAllowedError: 'media-denied',
  SecurityError: 'media-denied',
  NotFoundError: 'media-missing',
  OverconstrainedError: 'media-missing',
  NotReadableError: 'media-busy',
  AbortError: 'media-busy',
};

/** Runs `open` and makes a `MediaProblem` of what it throws. */
async function opened<T>(device: 'camera' | 'microphone' | 'screen', open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const insecure = !navigator.mediaDevices;
    const reason = insecure ? 'media-insecure' : REASONS[error instanceof Error ? error.name : ''] ?? 'media-failed';
    const [detail, cure] = WORDS[reason];
    throw new MediaProblem(reason, device, detail, cure);
  }
}

const chosen = (wish: string | true): MediaTrackConstraints => (wish === true ? {} : {deviceId: {exact: wish}});
const first = (stream: MediaStream): MediaStreamTrack => stream.getTracks()[0] as MediaStreamTrack;

/** `MediaPort` on the browser. */
export class BrowserMedia implements MediaPort {
  peer(iceServers: readonly RTCIceServer[], listener: PeerListener, relayOnly = false): Peer {
    return new BrowserPeer(iceServers, listener, relayOnly);
  }

  /** One device after the other, so that a problem names the right one; the first is closed if the second fails. */
  async capture({camera, microphone}: CaptureWish): Promise<Captured> {
    const found: Captured = {};
    if (microphone) {
      const audio = {...chosen(microphone), echoCancellation: true, noiseSuppression: true, autoGainControl: true};
      const open = async (): Promise<MediaStreamTrack> => first(await navigator.mediaDevices.getUserMedia({audio}));
      found.microphone = await opened('microphone', open);
    }
    if (camera) {
      // Three layers want 960x540 or more.
      const size = {width: {ideal: 1280}, height: {ideal: 720}, frameRate: {ideal: 30}};
      const open = (video: MediaTrackConstraints) => async (): Promise<MediaStreamTrack> =>
        first(await navigator.mediaDevices.getUserMedia({video}));
      try {
        found.camera = await opened('camera', open({...chosen(camera), ...size}));
      } catch (error) {
        found.microphone?.stop();
        throw error;
      }
    }
    return found;
  }

  captureScreen(): Promise<MediaStreamTrack> {
    const video = {frameRate: {ideal: 15, max: 30}};
    return opened('screen', async () => first(await navigator.mediaDevices.getDisplayMedia({video, audio: false})));
  }

  async devices(): Promise<{kind: MediaDeviceKind; id: string; label: string}[]> {
    const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return found.map(({kind, deviceId: id, label}) => ({kind, id, label}));
  }

  player(element: HTMLAudioElement = new Audio()): Player {
    return new BrowserPlayer(element);
  }

  /** The stream of an element stays while its tracks change, so that the last picture stands until the next comes. */
  show(element: HTMLVideoElement, track: MediaStreamTrack | null): void {
    if (!track) {
      element.srcObject = null;
      return;
    }
    const stream = element.srcObject instanceof MediaStream ? element.srcObject : new MediaStream();
    const before = stream.getTracks().filter(each => each !== track);
    stream.addTrack(track);
    for (const each of before) stream.removeTrack(each);
    if (element.srcObject !== stream) {
      Object.assign(element, {muted: true, playsInline: true, autoplay: true, srcObject: stream});
    }
    element.play().catch(() => undefined); // muted video may always play; refused only while it is being changed
  }

  watch(element: HTMLVideoElement, listener: (size: ElementSize) => void): () => void {
    let inView = true;
    const tell = (): void => {
      const {width, height} = element.getBoundingClientRect();
      const [w, h] = [width, height].map(each => Math.round(each * devicePixelRatio)) as [number, number];
      listener({width: w, height: h, visible: inView && w > 0 && h > 0 && document.visibilityState === 'visible'});
    };
    const sizes = new ResizeObserver(tell);
    const views = new IntersectionObserver(entries => {
      inView = entries[entries.length - 1]?.isIntersecting ?? inView;
      tell();
    });
    sizes.observe(element);
    views.observe(element);
    document.addEventListener('visibilitychange', tell);
    return () => {
      sizes.disconnect();
      views.disconnect();
      document.removeEventListener('visibilitychange', tell);
    };
  }

  ended(track: MediaStreamTrack, listener: () => void): void {
    track.addEventListener('ended', listener, {once: true});
  }
}

/** Sound in an audio element. */
class BrowserPlayer implements Player {
  constructor(private readonly element: HTMLAudioElement) {
    element.autoplay = true;
  }

  async play(track: MediaStreamTrack | null): Promise<boolean> {
    const stream = this.element.srcObject;
    if (!track) {
      this.element.srcObject = null;
      return true;
    }
    if (!(stream instanceof MediaStream && stream.getTracks()[0] === track)) {
      this.element.srcObject = new MediaStream([track]);
    }
    try {
      await this.element.play();
      return true;
    } catch (error) {
      return !(error instanceof Error && error.name === 'NotAllowedError'); // else: changed meanwhile
    }
  }

  setVolume(volume: number): void {
    this.element.volume = Math.min(Math.max(volume, 0), 1);
  }

  setMuted(muted: boolean): void {
    this.element.muted = muted;
  }

  async setOutput(deviceId: string): Promise<void> {
    await this.element.setSinkId?.(deviceId);
  }

  close(): void {
    this.element.srcObject = null;
  }
}
