// The stage: the main speaker large, the others in a row while they are live, the mix.

import {Connection} from './connection.js';
import {drive, Sound} from './sound.js';
import {Figures, showFigures} from './stats.js';
import {byId, showState} from './ui.js';

const LOOK_MS = 400;
const LIVE_MS = 2500; // a slot without a new picture for so long is empty
const EMPTY = {
  connecting: ['Connecting to the stage', 'This takes a moment.'],
  live: ['Nobody is on stage yet', 'You see and hear them as soon as they are.'],
  stopped: ['Not connected', 'Above is why.'],
};
const CODECS = /\/(vp8|h264|rtx)$/i; // what sessions carry: a shorter offer

export function watch({session, token, slots}) {
  const sound = new Sound();
  const figures = new Figures();
  const tiles = makeTiles(slots);
  let mids = new Map(); // mid -> slot name
  let latest = null;

  const connection = new Connection('whep', session, token, pc => {
    mids = new Map();
    const audio = pc.addTransceiver('audio', {direction: 'recvonly'});
    const videos = tiles.map(() => pc.addTransceiver('video', {direction: 'recvonly'}));
    videos.forEach(each => each.setCodecPreferences?.(RTCRtpReceiver.getCapabilities('video').codecs.filter(c => CODECS.test(c.mimeType))));
    pc.addEventListener('track', async ({track, transceiver}) => {
      if (transceiver === audio) {
        byId('sound-start').hidden = await sound.play(track);
        return;
      }
      const tile = tiles[videos.indexOf(transceiver)];
      mids.set(transceiver.mid, tile.slot);
      tile.video.srcObject = new MediaStream([track]);
      tile.video.play().catch(() => {});
    });
  });

  connection.addEventListener('state', ({detail: {state, words}}) => {
    showState(state, words, () => connection.start());
    [byId('empty-title').textContent, byId('empty-text').textContent] = EMPTY[state] ?? EMPTY.connecting;
  });

  setInterval(async () => {
    if (!connection.pc) return;
    latest = await figures.read(connection.pc);
    showSlots(tiles, mids, latest.streams);
    if (connection.state === 'live') byId('status').textContent = tiles.some(isLive) ? 'Live' : 'Connected';
    if (!byId('stats').hidden) showStats(latest, tiles, mids, connection);
  }, LOOK_MS);

  wireControls(sound);
  drive(byId('meter'), () => (sound.muted ? 0 : sound.level()));
  byId('watch').hidden = false;
  connection.start();
  return {
    connection,
    get frames() { return Object.fromEntries(tiles.map(each => [each.slot, each.frames])); },
    get live() { return tiles.filter(isLive).map(each => each.slot); },
    get figures() { return latest; },
    tone: () => sound.tone(),
  };
}

function makeTiles(count) {
  return Array.from({length: count}, (_, index) => {
    const slot = `v${index + 1}`;
    if (index === 0) return {slot, box: byId('tile-v1'), video: byId('v1'), frames: 0, seen: 0, movedMs: -1e9};
    const [box, video] = [document.createElement('div'), document.createElement('video')];
    box.className = 'tile';
    box.dataset.live = 'false';
    Object.assign(video, {muted: true, playsInline: true, autoplay: true});
    video.setAttribute('aria-label', `On stage, place ${index + 1}`);
    box.append(video);
    byId('others').append(box);
    return {slot, box, video, frames: 0, seen: 0, movedMs: -1e9};
  });
}

const isLive = tile => tile.box.dataset.live === 'true';

/** Count pictures (over all connections) and show the slots that have new ones. */
function showSlots(tiles, mids, streams) {
  const nowMs = performance.now();
  for (const tile of tiles) {
    const stream = streams.find(each => mids.get(each.mid) === tile.slot);
    const seen = stream?.frames ?? 0;
    if (seen !== tile.seen) {
      tile.frames += seen > tile.seen ? seen - tile.seen : seen;
      if (seen > 0) tile.movedMs = nowMs;
      tile.seen = seen;
    }
    tile.box.dataset.live = String(nowMs - tile.movedMs < LIVE_MS);
  }
  byId('empty').hidden = isLive(tiles[0]);
}

function showStats({rttMs, route, kbps, streams}, tiles, mids, connection) {
  const sum = streams.filter(each => each.kind === 'video').reduce((total, each) => total + each.frames, 0);
  showFigures(byId('figures'), [
    ['Receiving', `${(kbps / 1000).toFixed(2)} Mbit/s`], ['Round trip', rttMs === null ? '–' : `${rttMs} ms`],
    ['Pictures', String(sum)], ['Route', route], ['Reconnected', `${connection.reconnects}×`],
  ]);
  const shown = streams.filter(each => each.kind === 'audio' || each.frames).sort((a, b) => Number(a.mid) - Number(b.mid));
  const rows = shown.map(each => {
    const row = document.createElement('tr');
    const video = each.kind === 'video';
    const name = video ? (mids.get(each.mid) === 'v1' ? 'Main speaker' : `Place ${mids.get(each.mid)?.slice(1)}`) : 'Sound (mix)';
    for (const text of [name, video ? `${each.width}×${each.height}` : '–', video ? String(each.fps) : '–', video ? String(each.frames) : '–', String(each.kbps), `${each.lostPct.toFixed(1)} %`]) {
      const cell = document.createElement('td');
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  });
  byId('stats-rows').replaceChildren(...rows);
}

function wireControls(sound) {
  const mute = byId('mute');
  const toggleMute = () => {
    sound.muted = !sound.muted;
    mute.setAttribute('aria-pressed', String(sound.muted));
  };
  const toggleStats = () => {
    byId('stats').hidden = !byId('stats').hidden;
    byId('stats-button').setAttribute('aria-expanded', String(!byId('stats').hidden));
  };
  const toggleFull = () => (document.fullscreenElement ? document.exitFullscreen() : document.querySelector('#watch .stage').requestFullscreen?.());
  mute.addEventListener('click', toggleMute);
  byId('volume').addEventListener('input', event => { sound.volume = event.target.value / 100; });
  byId('stats-button').addEventListener('click', toggleStats);
  byId('full').addEventListener('click', toggleFull);
  byId('sound-start').addEventListener('click', async event => { event.currentTarget.hidden = await sound.start(); });
  addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    const act = {m: toggleMute, s: toggleStats, f: toggleFull}[event.key.toLowerCase()];
    if (act) act();
  });
}
