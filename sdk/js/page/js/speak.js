// The speaker's view: choose devices, see oneself, go live.

import {Connection} from './connection.js';
import {drive, Sound} from './sound.js';
import {Figures, showFigures} from './stats.js';
import {byId, showState} from './ui.js';
import {wordsOfDevice} from './words.js';

const LOOK_MS = 500;
const LAYERS = [{rid: 'h', maxBitrate: 1_200_000}, {rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 400_000}, {rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 150_000}];

export function speak({session, token}) {
  const devices = {stream: null};
  const meter = new Sound();
  const figures = new Figures();
  let latest = null;

  const connection = new Connection('whip', session, token, pc => {
    const [audio] = devices.stream.getAudioTracks();
    const [video] = devices.stream.getVideoTracks();
    if (audio) pc.addTransceiver(audio, {direction: 'sendonly', streams: [devices.stream]});
    if (video) pc.addTransceiver(video, {direction: 'sendonly', streams: [devices.stream], sendEncodings: LAYERS});
  });

  const button = byId('live');
  connection.addEventListener('state', ({detail: {state, words}}) => {
    showState(state, words, () => connection.start());
    const off = state === 'idle' || state === 'stopped';
    button.textContent = off ? 'Go live' : 'Stop';
    button.className = off ? 'primary' : 'danger';
    if (state === 'live') byId('status').textContent = 'Live';
    byId('preview-name').textContent = {live: 'You are live', connecting: 'Connecting'}[state] ?? 'Preview';
    byId('speak-hint').textContent = state === 'live' ? 'People see and hear you now.' : 'Nobody sees or hears you before you go live.';
    byId('speak-figures').hidden = off;
  });
  button.addEventListener('click', async () => {
    if (connection.state === 'connecting' || connection.state === 'live') return connection.stop();
    if (devices.stream || await open()) connection.start();
  });

  /** Open the chosen devices; what runs gets them without a new connection. */
  async function open() {
    try {
      if (!navigator.mediaDevices) throw Object.assign(new Error(), {name: 'InsecureContext'});
      const chosen = id => (byId(id).value ? {deviceId: {exact: byId(id).value}} : {});
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: {...chosen('microphone'), echoCancellation: true, noiseSuppression: true, autoGainControl: true},
        video: {...chosen('camera'), width: {ideal: 1280}, height: {ideal: 720}, frameRate: {ideal: 30}},
      });
      devices.stream?.getTracks().forEach(track => track.stop());
      devices.stream = stream;
      for (const sender of connection.pc?.getSenders() ?? []) {
        await sender.replaceTrack(stream.getTracks().find(track => track.kind === sender.track?.kind) ?? null);
      }
      await show(stream);
      byId('problem').hidden = true;
      return true;
    } catch (error) {
      showState('idle', wordsOfDevice(error), open);
      return false;
    }
  }

  async function show(stream) {
    byId('preview').srcObject = stream;
    byId('preview-empty').hidden = stream.getVideoTracks().length > 0;
    setMuted(byId('mic-mute').getAttribute('aria-pressed') === 'true');
    meter.muted = true; // one does not hear oneself
    if (stream.getAudioTracks()[0]) meter.play(stream.getAudioTracks()[0]);
    const found = await navigator.mediaDevices.enumerateDevices();
    fill(byId('camera'), found.filter(d => d.kind === 'videoinput'), stream.getVideoTracks()[0]);
    fill(byId('microphone'), found.filter(d => d.kind === 'audioinput'), stream.getAudioTracks()[0]);
  }

  function setMuted(muted) {
    devices.stream?.getAudioTracks().forEach(track => { track.enabled = !muted; });
    byId('mic-mute').setAttribute('aria-pressed', String(muted));
    byId('mic-mute').textContent = muted ? 'Unmute' : 'Mute';
  }

  byId('mic-mute').addEventListener('click', event => setMuted(event.currentTarget.getAttribute('aria-pressed') !== 'true'));
  for (const id of ['camera', 'microphone']) byId(id).addEventListener('change', open);
  navigator.mediaDevices?.addEventListener('devicechange', () => devices.stream && show(devices.stream));
  drive(byId('mic-meter'), () => meter.level());

  setInterval(async () => {
    if (!connection.pc) return;
    latest = await figures.read(connection.pc);
    const videos = latest.streams.filter(each => each.kind === 'video' && each.width);
    const best = videos.reduce((a, b) => (b.width > (a?.width ?? 0) ? b : a), null);
    showFigures(byId('speak-figures'), [
      ['Sending', `${(latest.kbps / 1000).toFixed(2)} Mbit/s`], ['Picture', best ? `${best.width}×${best.height}, ${best.fps}/s` : '–'],
      ['Qualities', String(videos.length)], ['Round trip', latest.rttMs === null ? '–' : `${latest.rttMs} ms`],
    ]);
  }, LOOK_MS);

  byId('status').textContent = 'Not live';
  byId('speak').hidden = false;
  const ready = open();
  return {connection, ready, get figures() { return latest; }, frames: {}, live: [], tone: () => meter.tone()};
}

function fill(select, devices, track) {
  const current = track?.getSettings().deviceId ?? '';
  select.replaceChildren(...devices.map((device, index) => new Option(device.label || `Device ${index + 1}`, device.deviceId, false, device.deviceId === current)));
  select.disabled = devices.length === 0;
}
