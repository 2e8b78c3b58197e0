// What is heard: an audio element, and an analyser that looks at its sound.

const FFT = 16384;
const SILENCE_DB = -70;
const NEAR_HZ = 20;
const AUDIBLE_DB = -60; // beside another tone: codecs leave traces
const LOUD = 3; // speech of usual loudness fills the meter

/** Measures the sound of a track: loudness and the loudest tone. */
export class Analyser {
  private static context: AudioContext | null = null;
  private node: AnalyserNode | null = null;
  private source: MediaStreamAudioSourceNode | null = null;
  private track: MediaStreamTrack | null = null;
  private readonly samples = new Float32Array(1024);
  private readonly bins = new Float32Array(FFT / 2);

  /** Look at this track from now on; null: at nothing. */
  listen(track: MediaStreamTrack | null): void {
    if (track === this.track) return;
    this.track = track;
    this.source?.disconnect();
    this.source = null;
    if (!track || typeof AudioContext === 'undefined') return;
    const context = (Analyser.context ??= new AudioContext());
    this.node ??= new AnalyserNode(context, {fftSize: FFT, smoothingTimeConstant: 0});
    this.source = context.createMediaStreamSource(new MediaStream([track]));
    this.source.connect(this.node);
    Analyser.wake();
  }

  /** Browsers start an AudioContext only after a click: call this in one. */
  static wake(): void {
    Analyser.context?.resume().catch(() => undefined);
  }

  /** Loudness now, 0 to 1. */
  level(): number {
    if (!this.node || !this.source) return 0;
    this.node.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    return Math.min(1, Math.sqrt(sum / this.samples.length) * LOUD);
  }

  /** The loudest tone now in Hz, of all or near one; 0 in silence. */
  tone(near?: number): number {
    if (!this.node || !this.source) return 0;
    this.node.getFloatFrequencyData(this.bins);
    const hzPerBin = this.node.context.sampleRate / FFT;
    return near === undefined ? loudest(this.bins, hzPerBin) : loudestNear(this.bins, hzPerBin, near);
  }
}

/** The frequency of the loudest bin; 0 when all are quiet. */
export function loudest(bins: Float32Array, hzPerBin: number): number {
  return peak(bins, hzPerBin, 1, bins.length - 2, SILENCE_DB);
}

/** The same near a frequency; 0 when nothing rises there. */
export function loudestNear(bins: Float32Array, hzPerBin: number, hz: number): number {
  const [first, last] = [Math.floor((hz - NEAR_HZ) / hzPerBin), Math.ceil((hz + NEAR_HZ) / hzPerBin)];
  return peak(bins, hzPerBin, Math.max(1, first), Math.min(bins.length - 2, last), AUDIBLE_DB);
}

/** Between bins by a parabola. */
function peak(bins: Float32Array, hzPerBin: number, first: number, last: number, leastDb: number): number {
  const at = (index: number): number => bins[index] ?? -Infinity;
  let best = first;
  for (let index = first + 1; index <= last; index++) if (at(index) > at(best)) best = index;
  if (!(at(best) > leastDb) || at(best - 1) > at(best) || at(best + 1) > at(best)) return 0;
  const [before, db, after] = [at(best - 1), at(best), at(best + 1)];
  const shift = (before - after) / (2 * (before - 2 * db + after)) || 0;
  return (best + shift) * hzPerBin;
}

/** What one hears: plays in `element`; the SDK decides which track. */
export class Heard {
  readonly element = new Audio();
  private readonly analyser = new Analyser();

  /** Sound off for oneself. */
  get off(): boolean {
    return this.element.muted;
  }

  set off(value: boolean) {
    this.element.muted = value;
  }

  /** Loudest tone of what is heard now, of all or near one; 0 in silence, and when it is off or has not started. */
  tone(near?: number): number {
    if (!this.follow() || this.element.muted || this.element.paused) return 0;
    return this.analyser.tone(near);
  }

  /** Start the analyser too; in a click. */
  wake(): void {
    this.follow();
    Analyser.wake();
  }

  private follow(): boolean {
    const stream = this.element.srcObject;
    const track = stream instanceof MediaStream ? stream.getAudioTracks()[0] ?? null : null;
    this.analyser.listen(track);
    return track !== null;
  }
}

/** Show a loudness in a meter as long as the answer says so. */
export function drive(meter: HTMLElement, level: () => number): () => void {
  const bar = meter.firstElementChild as HTMLElement;
  const timer = setInterval(() => {
    if (!document.hidden) bar.style.transform = `scaleX(${level().toFixed(3)})`;
  }, 80);
  return () => clearInterval(timer);
}
