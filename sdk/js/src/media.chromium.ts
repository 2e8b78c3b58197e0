// Runs the suite on the real media in a page of Chromium; the result is `window.suite` (see tests/integration).

import {BrowserMedia} from './browser';
import {LoopBack, report} from './chromium.support';
import {SUITE} from './media.suite';
import type {Bench} from './media.suite';

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

const cases = Object.entries(SUITE).map(([name, run]) => [name, () => run(bench)] as const);
void report(Object.fromEntries(cases));
