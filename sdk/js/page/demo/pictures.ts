// Moving pictures of people and of a screen, drawn on canvases.

const FPS = 12;
const SHIRTS = ['#2f6f8f', '#8f4a2f', '#5a7d3a', '#6b4a8f', '#9a3f5a', '#3a5f9a', '#8a7a2a', '#44606b'];
const ROOMS = [
  ['#dfe7ea', '#a9bcc4'],
  ['#efe3d3', '#c9ae8b'],
  ['#dde8d8', '#9fb79a'],
  ['#e4dcec', '#b3a2c7'],
  ['#f0dcdc', '#c79a9a'],
  ['#d9e2f0', '#97aacb'],
  ['#ece8d6', '#bfb489'],
  ['#dfe3e3', '#9da9a9'],
];
const SKINS = ['#e8b998', '#c68863', '#8d5a3c', '#f0cbb0', '#a9714f', '#d9a37e', '#6e4530', '#eac2a2'];
const HAIR = ['#2a1d14', '#6b4423', '#111', '#b98a4a', '#3a2a20', '#8a8a8a', '#20140e', '#54371f'];

function track(
  width: number, height: number, draw: (pen: CanvasRenderingContext2D, seconds: number) => void,
): MediaStreamTrack {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, {width, height});
  const pen = canvas.getContext('2d') as CanvasRenderingContext2D;
  const began = performance.now();
  const paint = (): void => draw(pen, (performance.now() - began) / 1000);
  paint();
  setInterval(paint, 1000 / FPS);
  return canvas.captureStream(FPS).getVideoTracks()[0] as MediaStreamTrack;
}

/** Somebody at a desk who moves a little. */
export function person(number: number): MediaStreamTrack {
  const pick = <T>(from: readonly T[]): T => from[number % from.length] as T;
  return track(640, 360, (pen, s) => {
    const [light, dark] = pick(ROOMS) as [string, string];
    const ground = pen.createLinearGradient(0, 0, 640, 360);
    ground.addColorStop(0, light);
    ground.addColorStop(1, dark);
    pen.fillStyle = ground;
    pen.fillRect(0, 0, 640, 360);
    pen.fillStyle = 'rgb(255 255 255 / .35)';
    pen.fillRect(40 + (number % 3) * 150, 40, 110, 150);
    const x = 320 + Math.sin(s * 0.7 + number) * 8;
    const y = 175 + Math.sin(s * 1.3 + number * 2) * 3;
    pen.fillStyle = pick(SHIRTS);
    pen.beginPath();
    pen.ellipse(x, 400, 165, 145, 0, 0, 7);
    pen.fill();
    pen.fillStyle = pick(HAIR);
    pen.beginPath();
    pen.ellipse(x, y - 14, 72, number % 2 ? 82 : 94, 0, 0, 7);
    pen.fill();
    pen.fillStyle = pick(SKINS);
    pen.fillRect(x - 24, y + 50, 48, 60);
    pen.beginPath();
    pen.ellipse(x, y + 8, 58, 74, 0, 0, 7);
    pen.fill();
    pen.fillStyle = '#2a1d14';
    for (const side of [-22, 22]) {
      pen.beginPath();
      pen.ellipse(x + side, y, 5, Math.sin(s * 2 + number) > 0.96 ? 1 : 6, 0, 0, 7);
      pen.fill();
    }
    pen.strokeStyle = '#6b2f2a';
    pen.lineWidth = 5;
    pen.beginPath();
    pen.ellipse(x, y + 38, 18, 5 + Math.abs(Math.sin(s * 5)) * 6, 0, 0.15, 3);
    pen.stroke();
  });
}

/** A shared screen: a chart and a few lines of text. */
export function screen(): MediaStreamTrack {
  return track(1280, 720, (pen, s) => {
    pen.fillStyle = '#ffffff';
    pen.fillRect(0, 0, 1280, 720);
    pen.fillStyle = '#123';
    pen.font = '600 46px sans-serif';
    pen.fillText('Viewers per region, first hour', 70, 110);
    pen.font = '26px sans-serif';
    pen.fillStyle = '#567';
    pen.fillText('Thousands, measured at the egress nodes', 70, 155);
    [310, 220, 420, 180, 365, 270].forEach((height, index) => {
      pen.fillStyle = ['#0f766e', '#1d5fa8'][index % 2] as string;
      const now = height * Math.min(1, 0.4 + s / 2);
      pen.fillRect(90 + index * 190, 640 - now, 120, now);
    });
  });
}

/** A tone that comes and goes: a microphone. */
export function microphone(): MediaStreamTrack {
  const context = new AudioContext();
  const [tone, gain, out] = [context.createOscillator(), context.createGain(), context.createMediaStreamDestination()];
  gain.gain.value = 0.18;
  tone.connect(gain).connect(out);
  tone.start();
  return out.stream.getAudioTracks()[0] as MediaStreamTrack;
}
