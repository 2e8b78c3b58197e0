// The device check: one's own picture, the microphone's meter, which devices. There is one; it moves to where it is
// needed.

import type {Device} from '../src/index';
import type {Devices, Kind} from './devices';
import {byId, h, memory, setText, show} from './dom';
import {drawIcons, setIcon} from './icons';
import {Analyser, drive} from './sound';

/** Shows `Devices`. `output` is told the speaker that the person chose. */
export class DeviceView {
  readonly root: HTMLElement;
  private readonly analyser = new Analyser();
  private readonly video = h('video', {id: 'preview', playsinline: true, autoplay: true, 'aria-label': 'Your camera'});

  constructor(private readonly devices: Devices, output: (id: string) => void) {
    this.video.muted = true;
    this.root = this.build();
    drawIcons(this.root);
    this.wire(output);
    devices.watch(() => this.render());
  }

  /** Show it in this place. */
  moveTo(place: HTMLElement): void {
    if (this.root.parentElement !== place) place.append(this.root);
    this.render();
  }

  private build(): HTMLElement {
    const field = (id: string, label: string, more?: HTMLElement): HTMLElement =>
      h('div', {class: 'field', id: `${id}-field`}, h('label', {for: id}, label), h('select', {id}), more);
    return h(
      'div',
      {class: 'devices'},
      h(
        'div',
        {class: 'preview'},
        this.video,
        h(
          'div',
          {class: 'preview-off', id: 'preview-off'},
          h('span', {class: 'empty-sign'}, h('i', {'data-icon': 'camera'})),
          h('p', {id: 'preview-text'}, 'Your camera is off'),
        ),
        h(
          'div',
          {class: 'preview-buttons'},
          h('button', {type: 'button', id: 'mic-mute', class: 'tool'}, h('i', {'data-icon': 'mic'})),
          h('button', {type: 'button', id: 'camera-off', class: 'tool'}, h('i', {'data-icon': 'camera'})),
        ),
      ),
      h(
        'div',
        {class: 'complaint', id: 'device-problem', role: 'alert', hidden: true},
        h('p', {}, h('b', {id: 'device-problem-title'}), ' ', h('span', {id: 'device-problem-text'})),
        h('button', {type: 'button', class: 'small', id: 'device-retry'}, 'Try again'),
      ),
      h(
        'div',
        {class: 'fields'},
        field('microphone', 'Microphone', h('span', {class: 'meter', id: 'mic-meter', 'aria-hidden': 'true'}, h('i'))),
        field('camera', 'Camera'),
        field('output', 'Speaker'),
      ),
    );
  }

  private wire(output: (id: string) => void): void {
    const find = <T extends HTMLElement>(id: string): T => this.root.querySelector(`#${id}`) as T;
    for (const kind of ['camera', 'microphone'] as Kind[]) {
      find<HTMLSelectElement>(kind).addEventListener(
        'change', event => void this.devices.choose(kind, (event.target as HTMLSelectElement).value),
      );
    }
    find<HTMLSelectElement>('output').addEventListener('change', event => {
      const id = (event.target as HTMLSelectElement).value;
      memory.set('output', id);
      output(id);
    });
    find('mic-mute').addEventListener('click', () => {
      if (this.devices.microphone) this.devices.mute(!this.devices.muted);
      else void this.devices.start(['microphone']);
    });
    find('camera-off').addEventListener('click', () => {
      if (this.devices.camera) this.devices.stop(['camera']);
      else void this.devices.start(['camera']);
    });
    find('device-retry').addEventListener('click', () => void this.devices.start());
    drive(find('mic-meter'), () => (this.root.isConnected && !this.devices.muted ? this.analyser.level() : 0));
  }

  private render(): void {
    if (!this.root.isConnected) return this.analyser.listen(null);
    const {camera, microphone, muted, lists, problem, busy} = this.devices;
    this.analyser.listen(microphone);
    const shown = this.video.srcObject instanceof MediaStream ? this.video.srcObject.getVideoTracks()[0] ?? null : null;
    if (shown !== camera) this.video.srcObject = camera ? new MediaStream([camera]) : null;
    show(byId('preview-off'), !camera);
    setText(byId('preview-text'), busy ? 'Allow camera and microphone when the browser asks' : 'Your camera is off');
    toggle('mic-mute', 'mic', !microphone || muted, 'microphone');
    toggle('camera-off', 'camera', !camera, 'camera');
    fill('camera', lists.cameras, camera, 'Camera');
    fill('microphone', lists.microphones, microphone, 'Microphone');
    fill('output', lists.speakers, null, 'Speaker', memory.get('output'));
    show(byId('output-field'), lists.speakers.length > 0 && 'setSinkId' in HTMLMediaElement.prototype);
    show(byId('device-problem'), problem !== null);
    setText(byId('device-problem-title'), problem?.title ? `${problem.title}.` : '');
    setText(byId('device-problem-text'), problem ? [problem.text, problem.cure].filter(Boolean).join(' ') : '');
  }
}

function toggle(id: string, drawing: string, off: boolean, name: string): void {
  const button = byId(id);
  button.dataset['off'] = String(off);
  button.setAttribute('aria-label', `Turn ${name} ${off ? 'on' : 'off'}`);
  button.title = `Turn ${name} ${off ? 'on' : 'off'}`;
  setIcon(button.querySelector('i') as HTMLElement, drawing, off);
}

function fill(id: string, devices: readonly Device[], track: MediaStreamTrack | null, name: string, chosen = ''): void {
  const select = byId<HTMLSelectElement>(id);
  const current = track?.getSettings().deviceId || chosen || memory.get(id);
  const options = devices.map(
    (each, index) => new Option(each.label || `${name} ${index + 1}`, each.id, false, each.id === current),
  );
  if (options.length === 0) options.push(new Option(`No ${name.toLowerCase()} found`, ''));
  select.replaceChildren(...options);
  select.disabled = devices.length === 0;
}
