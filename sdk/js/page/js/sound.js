// The mix: played by an audio element, looked at by an AnalyserNode.

const FFT = 16384;

export class Sound {
  #element = new Audio(); #context = null; #analyser = null; #source = null; #samples = new Float32Array(1024); #bins = null;

  constructor() {
    this.#element.autoplay = true;
  }

  get muted() { return this.#element.muted; }
  set muted(value) { this.#element.muted = value; }
  set volume(value) { this.#element.volume = value; }

  /** Play a track; false when the browser wants a click first. */
  async play(track) {
    this.#element.srcObject = new MediaStream([track]);
    this.#listen(track);
    return this.start();
  }

  /** Try to start what should play; false when the browser wants a click first. */
  async start() {
    try {
      this.#context ??= new AudioContext();
      this.#context.resume().catch(() => {});
      await this.#element.play();
      return true;
    } catch (error) {
      return error.name !== 'NotAllowedError';
    }
  }

  #listen(track) {
    this.#context ??= new AudioContext();
    this.#analyser ??= new AnalyserNode(this.#context, {fftSize: FFT, smoothingTimeConstant: 0});
    this.#source?.disconnect();
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
  }

  /** Loudness now, 0 to 1. */
  level() {
    if (!this.#analyser) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return Math.min(1, Math.sqrt(sum / this.#samples.length) * 3);
  }

  /** {hz, db} of the loudest tone now; hz 0 in silence. */
  tone() {
    if (!this.#analyser) return {hz: 0, db: -Infinity};
    this.#bins ??= new Float32Array(this.#analyser.frequencyBinCount);
    this.#analyser.getFloatFrequencyData(this.#bins);
    let best = 1;
    for (let i = 2; i < this.#bins.length - 1; i++) if (this.#bins[i] > this.#bins[best]) best = i;
    const db = this.#bins[best];
    if (!(db > -70)) return {hz: 0, db};
    const [before, after] = [this.#bins[best - 1], this.#bins[best + 1]];
    const shift = (before - after) / (2 * (before - 2 * db + after)) || 0;
    return {hz: (best + shift) * this.#context.sampleRate / FFT, db};
  }
}

/** Show `level()` in a meter while the page is visible. */
export function drive(meter, level) {
  const bar = meter.firstElementChild;
  setInterval(() => { if (!document.hidden) bar.style.transform = `scaleX(${level().toFixed(3)})`; }, 100);
}
